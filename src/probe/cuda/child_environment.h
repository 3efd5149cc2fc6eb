// Which of the command's variables the CUDA probe gets.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::probe {

// "NAME=value" of the variables that decide which libcuda the loader picks and what it
// does: CUDA_*, NVIDIA_*, LD_LIBRARY_PATH, GLIBC_TUNABLES, HOME, USER, TMPDIR, XDG_*.
// Never LD_PRELOAD or LD_AUDIT: they are other people's code in our child.
//
// The probe runs in `/`, so relative entries of LD_LIBRARY_PATH, the empty one too, are
// written out as the loader will understand them in `directory`, the command's own. If
// that is empty (unknown), they are left as they are.
std::vector<std::string> cuda_environment(const std::map<std::string, std::string>& variables,
                                          std::string_view directory);

}  // namespace gpuinit::probe
