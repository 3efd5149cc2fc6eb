#include "base/environment_variables.h"

#include <unistd.h>

#include <string_view>

namespace gpuinit::base {

Environment environment_variables() {
  Environment variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    // The first of two equal names is what getenv answers.
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace gpuinit::base
