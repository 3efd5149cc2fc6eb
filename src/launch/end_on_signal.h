// A time in which a signal ends gpuinit at once, even as PID 1, where the kernel
// would drop a signal that has no handler.
#pragma once

#include "launch/inherited_state.h"

namespace gpuinit::launch {

// Asked to stop while nothing runs yet: there is nothing to forward to.
inline constexpr SignalSet kStopRequests = only(SIGTERM) | only(SIGINT);

// What ends a process by default, except its own faults and SIGPIPE, which gpuinit's own
// writing causes.
SignalSet ending_signals();

// While it lives, a signal of `set` ends the process with 128+n, or with
// `exit_code` if that is not negative; children with a parent-death signal (the
// probes) go with it. One that arrived earlier and is pending counts too. Signals
// that were inherited blocked or ignored are left as they are, for the command. At its end the
// signals are blocked again and their dispositions as they were. There must be only one at a time.
class EndOnSignal {
 public:
  EndOnSignal(const InheritedState& inherited, SignalSet set, int exit_code = -1);
  ~EndOnSignal();
  EndOnSignal(const EndOnSignal&) = delete;
  EndOnSignal& operator=(const EndOnSignal&) = delete;

 private:
  SignalSet handled_ = 0;
};

}  // namespace gpuinit::launch
