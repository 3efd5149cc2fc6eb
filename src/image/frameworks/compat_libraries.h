// The forward-compatibility drivers that an image brings, in use or not.
#pragma once

#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::image {

// Every libcuda.so.1 in /usr/local/cuda*/compat and in its lib.real and lib (where NGC
// images keep it), each file once, those of /usr/local/cuda first.
// Source: NVIDIA CUDA Compatibility, "Forward Compatibility" (the package's place); NVIDIA
// container toolkit, cmd/nvidia-cdi-hook/cudacompat (/usr/local/cuda/compat).
//
// Unknown: /usr/local cannot be read.
Fact<std::vector<CompatLibrary>> read_compat_libraries(const base::RootFs& fs);

}  // namespace gpuinit::image
