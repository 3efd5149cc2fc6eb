// cuda.capabilities and cuda.module-loading: NVIDIA_DRIVER_CAPABILITIES leaves CUDA out.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_cuda_capabilities(const Context&) { return {}; }

Findings check_cuda_module_loading(const Context&) { return {}; }

}  // namespace gpuinit::checks
