// Programs that pick a Python environment and run a command in it: uv, conda and its kin, poetry,
// pipenv, pdm, hatch, rye, pipx. They are programs of their own, often written in Python: theirs is
// not the command's Python.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/root_fs.h"
#include "gpuinit/result.h"
#include "image/start/exec.h"

namespace gpuinit::image {

bool is_runner(std::string_view name);

struct RunnerOutcome {
  Exec exec;
  std::string environment;  // the directory of the environment, for the report
};

// What the runner of base name `name`, whose file is `path`, runs for `exec`; nullopt if it is
// asked for something else than to run a command (`uv pip install`). An error, one clause, where
// the environment does not exist yet or only the runner itself knows it.
Result<std::optional<RunnerOutcome>> follow_runner(const base::RootFs& fs, std::string_view name,
                                                   const std::string& path, const Exec& exec);

}  // namespace gpuinit::image
