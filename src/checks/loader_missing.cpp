// loader.missing: a shared library that torch needs is nowhere to be found.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_loader_missing(const Context&) { return {}; }

}  // namespace gpuinit::checks
