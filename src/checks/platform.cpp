// platform: the image is for another processor than this machine has.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_platform(const Context&) { return {}; }

}  // namespace gpuinit::checks
