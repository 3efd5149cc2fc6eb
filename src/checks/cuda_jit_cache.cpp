// cuda.jit-cache: the GPU needs PTX compiled at every start, and nothing keeps the result.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_cuda_jit_cache(const Context&) { return {}; }

}  // namespace gpuinit::checks
