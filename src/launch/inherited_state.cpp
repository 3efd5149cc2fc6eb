#include "launch/inherited_state.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/descriptors.h"

namespace gpuinit::launch {

InheritedState::InheritedState() {
  const auto early = mask_before_early_block();
  mask_ = early ? *early : set_blocked(kEverySignal);
  pipe_was_pending_ = contains(pending(), SIGPIPE);
  parent_ = ::getppid();
  base::occupy_standard_descriptors(O_PATH | O_CLOEXEC);
}

void InheritedState::restore_all_but_pipe() const { set_blocked(mask_ | only(SIGPIPE)); }

void InheritedState::restore() const {
  if (!pipe_was_pending_) drop_pending(SIGPIPE);
  set_blocked(mask_);
}

}  // namespace gpuinit::launch
