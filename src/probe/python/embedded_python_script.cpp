#include "probe/python/embedded_python_script.h"

// GPUINIT_PYTHON_SCRIPT is the path of the script, from src/probe/CMakeLists.txt.
asm(".pushsection .rodata\n"
    "gpuinit_python_script_begin:\n"
    ".incbin \"" GPUINIT_PYTHON_SCRIPT
    "\"\n"
    "gpuinit_python_script_end:\n"
    ".popsection\n");

namespace gpuinit::probe {

extern "C" {
[[gnu::visibility("hidden")]] extern const char gpuinit_python_script_begin[];
[[gnu::visibility("hidden")]] extern const char gpuinit_python_script_end[];
}

std::string_view embedded_python_script() {
  return {gpuinit_python_script_begin,
          static_cast<std::size_t>(gpuinit_python_script_end - gpuinit_python_script_begin)};
}

}  // namespace gpuinit::probe
