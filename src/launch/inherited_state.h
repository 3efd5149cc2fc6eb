// What the command must get back exactly as gpuinit was given it: the signal
// mask and the standard descriptors.
#pragma once

#include <csignal>

namespace gpuinit::launch {

// Constructed first thing in main.
//  - Blocks SIGPIPE, so that a reader that went away does not end PID 1 in the
//    middle of a report.
//  - Occupies closed descriptors 0 to 2 (close-on-exec), so that no file gpuinit
//    opens can become its standard error.
class InheritedState {
 public:
  InheritedState();

  // Undoes it: drops a SIGPIPE that gpuinit itself caused, puts the mask back.
  // Called right before exec.
  void restore() const;

 private:
  sigset_t mask_{};
  bool pipe_was_pending_ = false;
};

}  // namespace gpuinit::launch
