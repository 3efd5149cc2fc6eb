// A page plan for what the interpreter itself reads to import torch: compiled modules.
#pragma once

#include <string>
#include <vector>

#include "warmup/page_plan.h"

namespace gpuinit::warmup {

// Empty where no entry of `sys_path` has a torch: then nobody knows what will be read.
// Otherwise the .pyc files (the .py files where there are none) of the standard library, torch,
// NumPy and single modules on `sys_path`, without the packages that `import torch` leaves for
// later. A guess that may name a file too many, never one that is not there. Lists
// directories and reads no file: every part is WholeFile.
//
// In a cold start of torch 2.8 a thousand such files are most of the time that is lost
// (docs/measurements.md); which of them are read only running Python knows.
PagePlan python_plan(const std::vector<std::string>& sys_path);

}  // namespace gpuinit::warmup
