#include "cli/output.h"

#include <unistd.h>

#include <cerrno>

namespace gpuinit::cli {

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("writing the report");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

}  // namespace gpuinit::cli
