// device.permissions: a device file that CUDA needs is missing, or may not be opened.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_device_permissions(const Context&) { return {}; }

}  // namespace gpuinit::checks
