// What must be done even where a signal ends gpuinit at once (launch/end_on_signal.h).
#pragma once

#include <atomic>

namespace gpuinit::base {

// Called in a signal handler: system calls only. One at a time; nullptr: there is nothing to do.
inline std::atomic<void (*)()> at_sudden_end{nullptr};

}  // namespace gpuinit::base
