// The environment as a map, as getenv(3) would answer.
#pragma once

#include <map>
#include <string>

namespace gpuinit::base {

std::map<std::string, std::string> environment_variables();

}  // namespace gpuinit::base
