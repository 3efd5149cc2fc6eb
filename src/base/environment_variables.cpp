#include "base/environment_variables.h"

#include <unistd.h>

#include <string_view>

namespace gpuinit::base {

std::map<std::string, std::string> environment_variables() {
  std::map<std::string, std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    // The first of two equal names is what getenv answers.
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace gpuinit::base
