// What gpuinit carries inside for its probes, so that an image needs one file only.
#pragma once

#include <string_view>

namespace gpuinit::probe {

// The CUDA probe's program (src/probe/cuda_probe), a whole ELF file.
std::string_view embedded_cuda_probe();

// The Python probe's script (src/probe/python_probe/probe.py).
std::string_view embedded_python_script();

}  // namespace gpuinit::probe
