// What `env` does with its arguments. Source: GNU coreutils manual, "env invocation".
#pragma once

#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "gpuinit/result.h"

namespace gpuinit::image {

// What env is asked to run and in which surroundings.
struct EnvCommand {
  std::vector<std::string> command;  // empty: env only prints the environment
  base::Environment environment;
  std::string working_directory;
};

// `arguments`: what follows "env". An error for an option that is not known here.
Result<EnvCommand> apply_env(const std::vector<std::string>& arguments,
                             const base::Environment& environment, std::string working_directory);

// The words of `env -S`: blanks separate, quotes and backslashes protect, ${NAME}
// is expanded. An error where env itself would refuse the text.
Result<std::vector<std::string>> split_env_string(const std::string& text,
                                                  const base::Environment& environment);

}  // namespace gpuinit::image
