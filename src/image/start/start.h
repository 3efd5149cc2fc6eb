// Which Python a command runs, and how: through PATH, shebangs, env, pyenv's
// shims and pip's trampolines. What cannot be followed (shell scripts, other
// programs) is left to the policy's interpreter, then python3, then python.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/result.h"
#include "image/image_environment.h"
#include "image/python/python_binary.h"
#include "image/python/python_options.h"

namespace gpuinit::image {

struct PythonCommand {
  std::string interpreter;     // as it is exec'd, absolute
  std::string chosen_because;  // one clause
  bool from_command = false;   // false: the fallback
  PythonOptions options;
  Environment environment;        // what `env` left of it
  std::string working_directory;  // absolute
  // The interpreter's file; none: called python, but not recognised as one.
  Result<std::optional<PythonBinary>> binary = std::optional<PythonBinary>();
};

struct CommandQuery {
  const base::RootFs& fs;
  const std::vector<std::string>& command;
  const Environment& environment;
  const std::string& working_directory;
  const std::string& fallback_interpreter;
};

// An error, one clause, if no Python can run: the command names one that is not
// there, or there is none to fall back to.
Result<PythonCommand> follow_command(const CommandQuery& query);

}  // namespace gpuinit::image
