// cuda.compat: a forward-compatibility libcuda is active where it cannot work, or unused.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_cuda_compat(const Context&) { return {}; }

}  // namespace gpuinit::checks
