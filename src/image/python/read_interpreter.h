// Everything about the interpreter of a command, as facts, and what the readers of torch need
// besides.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/python/python_binary.h"
#include "image/python/python_start.h"
#include "image/python/sys_path.h"

namespace gpuinit::image {

struct ReadInterpreter {
  Interpreter facts;
  std::optional<PythonBinary> binary;  // nullopt if it is not recognised as Python
  SysPath sys_path;
};

// `binary` is of start.interpreter. How the interpreter was chosen is not among the facts yet.
ReadInterpreter read_interpreter(const base::RootFs& fs, const PythonStart& start,
                                 Result<std::optional<PythonBinary>> binary);

}  // namespace gpuinit::image
