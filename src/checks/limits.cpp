// limits.shm and limits.memlock: /dev/shm is too small for data loaders and NCCL.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_limits_shm(const Context&) { return {}; }

Findings check_limits_memlock(const Context&) { return {}; }

}  // namespace gpuinit::checks
