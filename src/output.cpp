#include "output.h"

#include <unistd.h>

#include <string>

namespace gpuinit {

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("writing the report");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

void complain(std::string_view message) {
  std::string line = "gpuinit: ";
  line.append(message);
  if (!line.ends_with('\n')) line += '\n';
  [[maybe_unused]] const Status written = write_all(STDERR_FILENO, line);
}

}  // namespace gpuinit
