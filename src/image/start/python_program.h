// What a Python is started for: the script or module it runs, which may be a launcher (torchrun,
// accelerate, uvicorn) that names the program proper, and the packages that are named by it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "image/python/python_options.h"
#include "image/start/exec.h"

namespace gpuinit::image {

struct PythonProgram {
  // As the Python that matters is started: the launcher's own, or its workers', which have the
  // program's directory first on sys.path.
  PythonOptions options;
  std::string runs;  // "train.py", "-m vllm.entrypoints.openai.api_server"
  // Top-level names of the packages whose program this is: "vllm". Not those that -c or a script
  // of the user's imports: a package is not its every extension (xformers does without its own).
  std::vector<std::string> imports;
  std::vector<std::string> script_imports = {};  // Program's
  // `torchrun --no-python`: the launcher starts any program, once for each rank.
  std::optional<std::vector<std::string>> command = {};
};

// `exec`: its argv[0] is a Python.
PythonProgram read_python_program(const base::RootFs& fs, const Exec& exec);

}  // namespace gpuinit::image
