// Which file a program name leads to, as execvp and the shells search.
#pragma once

#include <string>
#include <string_view>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/result.h"

namespace gpuinit::image {

// PATH of the environment; when it is unset, what glibc's execvp takes instead.
std::string search_path_of(const base::Environment& environment);

// The absolute path, symlinks not resolved, "." and ".." removed by text.
// A name with '/' counts from `working_directory` and is not searched for, nor is
// an empty name. An error if nothing executable is there; its message is one clause.
Result<std::string> find_program(const base::RootFs& fs, std::string_view name,
                                 std::string_view search_path, std::string_view working_directory);

}  // namespace gpuinit::image
