#include "base/write_all.h"

#include <unistd.h>

#include <cerrno>

namespace gpuinit::base {

Status write_all(int fd, std::string_view text, const std::string& what) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return errno_error(what, written == 0 ? EIO : errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

}  // namespace gpuinit::base
