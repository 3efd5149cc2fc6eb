// What an answer is worth when the sandbox refused something to the driver.
#pragma once

#include "probe/cuda/cuda_probe.h"

namespace gpuinit::probe {

// Where calls were refused, errors of the driver become unknown, with that as the reason:
// they may come of it, and no node is condemned for what gpuinit did. Successes stay.
void distrust_errors(CudaProbeAnswer& answer);

}  // namespace gpuinit::probe
