// Which of the command's variables a probe gets, as "NAME=value", sorted by name. Never
// LD_PRELOAD or LD_AUDIT: they are other people's code in our child.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::probe {

// What decides which libcuda the loader picks and what it does: CUDA_*, NVIDIA_*,
// LD_LIBRARY_PATH, GLIBC_TUNABLES, HOME, USER, TMPDIR, XDG_*.
//
// The CUDA probe runs in `/`, so relative entries of LD_LIBRARY_PATH, the empty one too, are
// written out as the loader will understand them in `directory`, the command's own. If
// that is empty (unknown), they are left as they are.
std::vector<std::string> cuda_environment(const std::map<std::string, std::string>& variables,
                                          std::string_view directory);

// What decides on modules, libraries and how numerical libraries start: PATH, HOME, locale,
// PYTHON*, CUDA*, LD_LIBRARY_PATH, OMP_* and their kind. Nothing whose name says that it is a
// secret (NVIDIA_API_KEY).
std::vector<std::string> python_environment(const std::map<std::string, std::string>& variables);

}  // namespace gpuinit::probe
