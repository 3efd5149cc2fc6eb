#include "probe/cuda/embedded_cuda_probe.h"

// GPUINIT_CUDA_PROBE_FILE is the path of the built probe, from src/probe/CMakeLists.txt,
// which also rebuilds this file whenever the probe changes.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "gpuinit_cuda_probe_begin:\n"
    ".incbin \"" GPUINIT_CUDA_PROBE_FILE
    "\"\n"
    "gpuinit_cuda_probe_end:\n"
    ".popsection\n");

namespace gpuinit::probe {

extern "C" {
[[gnu::visibility("hidden")]] extern const char gpuinit_cuda_probe_begin[];
[[gnu::visibility("hidden")]] extern const char gpuinit_cuda_probe_end[];
}

std::string_view embedded_cuda_probe() {
  return {gpuinit_cuda_probe_begin,
          static_cast<std::size_t>(gpuinit_cuda_probe_end - gpuinit_cuda_probe_begin)};
}

}  // namespace gpuinit::probe
