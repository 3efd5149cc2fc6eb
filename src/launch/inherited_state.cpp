#include "launch/inherited_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "launch/early_block.h"

namespace gpuinit::launch {

namespace {

void occupy_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free descriptor is this one. Without /dev/null any O_PATH
    // descriptor will do: it can be neither read nor written.
    if (::open("/dev/null", O_RDWR | O_CLOEXEC) < 0) [[maybe_unused]]
      const int any = ::open("/", O_PATH | O_CLOEXEC);
  }
}

}  // namespace

InheritedState::InheritedState() {
  const auto early = mask_before_early_block();
  mask_ = early ? *early : set_blocked(kEverySignal);
  pipe_was_pending_ = contains(pending(), SIGPIPE);
  parent_ = ::getppid();
  occupy_standard_descriptors();
}

void InheritedState::restore_all_but_pipe() const { set_blocked(mask_ | only(SIGPIPE)); }

void InheritedState::restore() const {
  if (!pipe_was_pending_) drop_pending(SIGPIPE);
  set_blocked(mask_);
}

}  // namespace gpuinit::launch
