#include "launch/inherited_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace gpuinit::launch {

namespace {

sigset_t only_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

bool sigpipe_pending() {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void occupy_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free descriptor is this one. Without /dev/null any O_PATH
    // descriptor will do: it can be neither read nor written.
    if (::open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
      [[maybe_unused]] const int any = ::open("/", O_PATH | O_CLOEXEC);
  }
}

}  // namespace

InheritedState::InheritedState() {
  pipe_was_pending_ = sigpipe_pending();
  const sigset_t pipe = only_sigpipe();
  ::sigprocmask(SIG_BLOCK, &pipe, &mask_);
  occupy_standard_descriptors();
}

void InheritedState::restore() const {
  if (!pipe_was_pending_ && sigpipe_pending()) {
    const sigset_t pipe = only_sigpipe();
    const timespec at_once{};
    while (::sigtimedwait(&pipe, nullptr, &at_once) < 0 && errno == EINTR) {}
  }
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

}  // namespace gpuinit::launch
