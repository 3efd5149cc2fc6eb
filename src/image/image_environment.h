// The environment of the command, as the readers ask for it.
#pragma once

#include <map>
#include <string>

namespace gpuinit::image {

using Environment = std::map<std::string, std::string>;

// "" if the variable is unset: CPython, env and pyenv treat both the same.
inline std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace gpuinit::image
