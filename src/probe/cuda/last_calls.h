// Where a probe was when it hung or ended: several trials may have been under way.
#pragma once

#include <string>

#include "probe/cuda/answer.h"

namespace gpuinit::probe {

// "cuInit"; "cuLaunchKernel 3"; of several at the same time "cuLaunchKernel 3, 5,
// cuMemAlloc_v2 4": it was in one of them. Empty before the first.
std::string last_calls(const Answer& answer);

// The call of one trial.
std::string step_of(const Answer::Trial& trial);

}  // namespace gpuinit::probe
