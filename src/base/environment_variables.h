// The environment as a map, as getenv(3) would answer.
#pragma once

#include <map>
#include <string>

namespace gpuinit::base {

using Environment = std::map<std::string, std::string>;

Environment environment_variables();

// "" if the variable is not set: CPython, env and pyenv treat both the same.
std::string variable(const Environment& environment, const std::string& name);

}  // namespace gpuinit::base
