// loader.symbol: a shared library is found, but lacks a function that another needs of it.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_loader_symbol(const Context&) { return {}; }

}  // namespace gpuinit::checks
