// The Python probe's script (src/probe/python_probe/probe.py) as text inside gpuinit.
#pragma once

#include <string_view>

namespace gpuinit::probe {

// Lives as long as the program.
std::string_view embedded_python_script();

}  // namespace gpuinit::probe
