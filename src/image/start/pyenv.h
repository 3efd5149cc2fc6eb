// pyenv's shims: small scripts on PATH that pick a Python version and exec it.
// Source: pyenv, libexec/pyenv-exec, -version-file, -version-name, -which, -latest.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/result.h"

namespace gpuinit::image {

// PYENV_ROOT if `head`, the first bytes of a script, is a shim; nullopt if it is not.
std::optional<std::string> pyenv_root_of_shim(std::string_view head);

struct PyenvChoice {
  std::string path;       // the program that the shim execs
  std::string reason;     // "pyenv version 3.11.7 (set by /root/.pyenv/version)"
  std::string directory;  // of that version's programs; empty: the system's
  std::string versions;   // PYENV_VERSION of the program
};

// What the shim for `program` execs. An error, one clause, if pyenv would find none.
Result<PyenvChoice> follow_pyenv(const base::RootFs& fs, const std::string& pyenv_root,
                                 const std::string& program, const base::Environment& environment,
                                 const std::string& working_directory);

// With what the program is given.
base::Environment environment_of_pyenv(const base::RootFs& fs, const std::string& pyenv_root,
                                       const PyenvChoice& choice, base::Environment environment,
                                       const std::string& working_directory);

}  // namespace gpuinit::image
