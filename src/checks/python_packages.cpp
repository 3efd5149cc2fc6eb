// python.packages: installed packages contradict what they require of each other.
#include "checks/check.h"

namespace gpuinit::checks {

Findings check_python_packages(const Context&) { return {}; }

}  // namespace gpuinit::checks
