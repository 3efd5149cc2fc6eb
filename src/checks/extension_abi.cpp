// extension.abi: an extension was built for another Python, torch or C++ ABI.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_extension_abi(const Context&) { return {}; }

}  // namespace gpuinit::checks
