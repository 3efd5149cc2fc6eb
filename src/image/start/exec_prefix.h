// Programs that do something and then become the command behind their options: inits, changers of
// user, priority or limits, tracers and profilers, starters of parallel jobs.
#pragma once

#include <optional>
#include <string_view>

#include "base/root_fs.h"
#include "gpuinit/result.h"
#include "image/start/exec.h"

namespace gpuinit::image {

// What any shell on the way may set is not known behind it.
void pass_a_shell(Exec& exec);

// True if a program of this base name is one of them. `script`: it is a script and not an ELF file;
// a script of the image's own that happens to be called `timeout` is none.
bool is_exec_prefix(std::string_view name, bool script);

// What `exec`, whose argv[0] is such a program of base name `name`, becomes; nullopt if it runs
// nothing: --help, or no command. An error, one clause, for an option that is not known here and
// for what only running it tells.
Result<std::optional<Exec>> apply_exec_prefix(const base::RootFs& fs, std::string_view name,
                                              const Exec& exec);

}  // namespace gpuinit::image
