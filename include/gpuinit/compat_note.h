// What a forward-compatibility libcuda says about itself; image and node both can have one.
#pragma once

#include <string>
#include <vector>

namespace gpuinit {

// The ELF note .note.cuda.fwd_compatibility of a forward-compat libcuda.
// Source: NVIDIA container toolkit, cmd/nvidia-cdi-hook/cudacompat.
struct CompatNote {
  std::string cuda_version;          // "12.9"
  std::vector<int> driver_branches;  // kernel driver majors it may run on; empty: not said
  bool operator==(const CompatNote&) const = default;
};

}  // namespace gpuinit
