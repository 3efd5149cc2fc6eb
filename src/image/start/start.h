// How a command becomes a program: through PATH, shebangs, env, pyenv's shims and pip's
// trampolines, until it is Python. It is followed to the end, or unclear from some step on (a
// shell script, another program): then the policy's interpreter is taken for what it will run,
// else python3, else python.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/result.h"
#include "image/python/python_binary.h"
#include "image/python/python_start.h"

namespace gpuinit::image {

struct Start {
  PythonStart python;
  std::string chosen_because;  // one clause
  bool followed = false;       // false: unclear, `python` is the fallback
  // The interpreter's file; nullopt if it is called python but not recognised as one.
  Result<std::optional<PythonBinary>> binary = std::optional<PythonBinary>();
};

struct StartQuery {
  const base::RootFs& fs;
  const std::vector<std::string>& command;
  const base::Environment& environment;
  const std::string& working_directory;
  const std::string& fallback_interpreter;
};

// An error, one clause, if no Python can run: the command names one that does not exist, or
// there is nothing to fall back to.
Result<Start> follow_command(const StartQuery& query);

}  // namespace gpuinit::image
