// Commands that need no GPU, whatever the image holds: an interactive shell, `ls`, `pip`,
// `python --version`, `torchrun --help`. No fault of torch, driver or device may stop them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "image/start/python_program.h"

namespace gpuinit::image {

// Why not, one clause; empty if it may need one. `name`: base name of the program.
std::string plain_program(std::string_view name, const std::vector<std::string>& arguments);
std::string plain_python_program(const PythonProgram& program,
                                 const std::vector<std::string>& arguments);

}  // namespace gpuinit::image
