#include "launch/terminal.h"

#include <fcntl.h>
#include <unistd.h>

namespace gpuinit::launch {

Terminal::Terminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
  // An image without /dev/tty: tcgetpgrp works on the controlling terminal only.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && !fd_.valid(); ++fd)
    if (::tcgetpgrp(fd) > 0) fd_.reset(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

pid_t Terminal::foreground() const { return fd_.valid() ? ::tcgetpgrp(fd_.get()) : -1; }

void Terminal::give_to(pid_t group) const {
  // A terminal that was hung up meanwhile takes nobody, and needs nobody.
  if (fd_.valid()) [[maybe_unused]]
    const int done = ::tcsetpgrp(fd_.get(), group);
}

}  // namespace gpuinit::launch
