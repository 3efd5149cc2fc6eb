// extension.arch: a visible GPU finds no code in an extension that it can run.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_extension_arch(const Context&) { return {}; }

}  // namespace gpuinit::checks
