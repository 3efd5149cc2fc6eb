// What a process is about to become: the arguments of one execve.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment_variables.h"

namespace gpuinit::image {

struct Exec {
  std::vector<std::string> argv;  // argv[0] is looked for on PATH if it holds no '/'
  base::Environment environment;
  // Variables that are set, or may be, to something that only running the command tells. Not in
  // `environment`. Never one that steers which program runs or what it loads (steers_a_start()).
  std::set<std::string> unknown_variables = {};
  std::string working_directory;     // absolute
  std::optional<unsigned> uid = {};  // nullopt if it is not known whose process it will be
};

// Variables that say which program is found, which libraries it loads, which Python and packages
// it takes or which GPUs it sees: PATH, LD_LIBRARY_PATH, PYTHONPATH, CONDA_PREFIX, …
bool steers_a_start(std::string_view name);

}  // namespace gpuinit::image
