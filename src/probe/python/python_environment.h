// Which of the command's variables the Python probe gets.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace gpuinit::probe {

// "NAME=value" of what decides on modules, libraries and how numerical libraries start:
// PATH, HOME, locale, PYTHON*, CUDA*, LD_LIBRARY_PATH, OMP_* and their kind, sorted by name.
// Never LD_PRELOAD or LD_AUDIT, and nothing whose name says that it is a secret
// (NVIDIA_API_KEY).
std::vector<std::string> python_environment(const std::map<std::string, std::string>& variables);

}  // namespace gpuinit::probe
