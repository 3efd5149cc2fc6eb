// How a command becomes a program: through inits and other prefixes, shells, runners, PATH,
// shebangs, env, pyenv's shims and pip's trampolines, until it is an interpreter or another ELF
// program. It is followed to the end, or unclear from some step on: then the policy's interpreter
// is taken for what it will run, else python3, else python.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/fact.h"
#include "gpuinit/image_facts.h"
#include "gpuinit/result.h"
#include "image/python/python_binary.h"
#include "image/python/python_start.h"
#include "image/start/exec.h"

namespace gpuinit::image {

// The Python that is judged.
struct ChosenPython {
  PythonStart start;
  std::string because;    // one clause
  bool followed = false;  // false: a guess, the command is unclear or leads to another program
  // The interpreter's file; nullopt if it is called python but not recognised as one.
  Result<std::optional<PythonBinary>> binary = std::optional<PythonBinary>();
};

struct Start {
  std::vector<StartStep> steps;
  Fact<Program> program;  // unknown: where the command stops being clear; absent: no command
  Exec exec;              // what `program`, if it is known, is executed with
  // An error, one clause, if no Python can run: the command names one that does not exist, or
  // there is nothing to fall back to.
  Result<ChosenPython> python;
};

struct StartQuery {
  const base::RootFs& fs;
  const std::vector<std::string>& command;
  const base::Environment& environment;
  const std::string& working_directory;
  const std::string& fallback_interpreter;
  std::optional<unsigned> uid = {};  // whose process the command is; nullopt if not known
};

Start follow_command(const StartQuery& query);

}  // namespace gpuinit::image
