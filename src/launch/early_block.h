// The first instructions of the program: block every signal, then start the C library.
//
// The kernel drops a signal to PID 1 that is neither blocked nor handled. Start-up
// of a static glibc program takes some 400 µs before main; a TERM in that time would
// be lost for good. The program is therefore linked with `-e gpuinit_start`.
#pragma once

#include <optional>

#include "launch/signal_set.h"

namespace gpuinit::launch {

// The mask that the program was started with; no value if it was not linked with
// that entry point, and nothing is blocked then.
std::optional<SignalSet> mask_before_early_block();

}  // namespace gpuinit::launch
