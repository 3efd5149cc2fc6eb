// cuda.require: the image's NVIDIA_REQUIRE_* condition is not met by this node.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_cuda_require(const Context&) { return {}; }

}  // namespace gpuinit::checks
