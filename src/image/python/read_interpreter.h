// Everything about the interpreter of a command, as facts, and what the readers
// of torch need to know of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/python/python_binary.h"
#include "image/python/sys_path.h"
#include "image/start/start.h"

namespace gpuinit::image {

struct ReadInterpreter {
  Interpreter facts;
  std::optional<PythonBinary> binary;  // none: not recognised as Python
  SysPath sys_path;
};

ReadInterpreter read_interpreter(const base::RootFs& fs, PythonCommand command);

}  // namespace gpuinit::image
