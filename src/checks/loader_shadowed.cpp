// loader.shadowed: a CUDA library other than the one torch was installed with is loaded.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_loader_shadowed(const Context&) { return {}; }

}  // namespace gpuinit::checks
