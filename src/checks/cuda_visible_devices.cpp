// cuda.visible-devices: CUDA_VISIBLE_DEVICES names GPUs that are not there, or is cut short.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_cuda_visible_devices(const Context&) { return {}; }

}  // namespace gpuinit::checks
