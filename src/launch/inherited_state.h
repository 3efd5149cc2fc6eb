// What the command must get back exactly as gpuinit was given it: the signal
// mask and the standard descriptors.
#pragma once

#include <sys/types.h>

#include <optional>

#include "launch/signal_set.h"

namespace gpuinit::launch {

// The mask that the program was started with; nullopt if it was not linked with the entry
// point in early_block.cpp, and nothing is blocked then.
std::optional<SignalSet> mask_before_early_block();

// Constructed first thing in main.
//  - Every signal is blocked from here on (from the first instruction, with
//    launch/early_block.cpp): what arrives waits until it is handled or unblocked.
//  - Occupies closed descriptors 0 to 2 (close-on-exec), so that no file gpuinit
//    opens can become its standard error. What is written there fails: a report for a
//    closed descriptor is lost, and that is an error.
class InheritedState {
 public:
  InheritedState();

  SignalSet mask() const { return mask_; }
  pid_t parent() const { return parent_; }

  // For work that launches nothing: the mask as it was, except that a reader that
  // has gone does not end a report with SIGPIPE.
  void restore_all_but_pipe() const;

  // Undoes it: drops a SIGPIPE that gpuinit itself caused, puts the mask back.
  // Called right before exec.
  void restore() const;

 private:
  SignalSet mask_ = 0;
  bool pipe_was_pending_ = false;
  pid_t parent_ = 0;
};

}  // namespace gpuinit::launch
