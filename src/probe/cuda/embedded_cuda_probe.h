// The CUDA probe program (src/probe/cuda_probe) as bytes inside gpuinit, so that an image
// needs one file only.
#pragma once

#include <string_view>

namespace gpuinit::probe {

// A whole ELF file. Lives as long as the program.
std::string_view embedded_cuda_probe();

}  // namespace gpuinit::probe
