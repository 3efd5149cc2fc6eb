#include "probe/child/embedded_files.h"

// GPUINIT_CUDA_PROBE and GPUINIT_PYTHON_SCRIPT are paths from src/probe/CMakeLists.txt, which
// also rebuilds this file whenever one of the two changes.
#define GPUINIT_EMBED(name, path) \
  asm(".pushsection .rodata\n"    \
      ".balign 16\n"              \
      "gpuinit_" name             \
      "_begin:\n"                 \
      ".incbin \"" path           \
      "\"\n"                      \
      "gpuinit_" name             \
      "_end:\n"                   \
      ".popsection\n")
GPUINIT_EMBED("cuda_probe", GPUINIT_CUDA_PROBE);
GPUINIT_EMBED("python_script", GPUINIT_PYTHON_SCRIPT);

namespace gpuinit::probe {

extern "C" {
[[gnu::visibility("hidden")]] extern const char gpuinit_cuda_probe_begin[];
[[gnu::visibility("hidden")]] extern const char gpuinit_cuda_probe_end[];
[[gnu::visibility("hidden")]] extern const char gpuinit_python_script_begin[];
[[gnu::visibility("hidden")]] extern const char gpuinit_python_script_end[];
}

std::string_view embedded_cuda_probe() {
  return {gpuinit_cuda_probe_begin, gpuinit_cuda_probe_end};
}

std::string_view embedded_python_script() {
  return {gpuinit_python_script_begin, gpuinit_python_script_end};
}

}  // namespace gpuinit::probe
