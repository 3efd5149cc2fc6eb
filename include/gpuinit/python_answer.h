// What the Python probe heard from the user's interpreter itself. The rules of facts.h hold.
#pragma once

#include <string>
#include <vector>

#include "gpuinit/fact.h"
#include "gpuinit/probe_run.h"

namespace gpuinit {

// One import that was tried.
struct PythonImport {
  std::string name;           // "flash_attn"
  std::string error;          // the exception's type, "ImportError"; empty: it was imported
  std::string message;        // str() of the exception
  std::string traceback;      // its last 30 lines, at most 8 KiB
  Fact<std::string> version;  // __version__; absent: it has none
  Fact<std::string> file;     // __file__; absent: it has none
  double milliseconds = 0;
  bool operator==(const PythonImport&) const = default;
};

// What an imported torch says about itself.
struct PythonTorch {
  Fact<std::string> version;                 // torch.__version__
  Fact<std::string> file;                    // torch.__file__
  Fact<std::string> cuda;                    // torch.version.cuda; absent: None
  Fact<std::string> hip;                     // torch.version.hip; absent: None
  Fact<std::vector<std::string>> arch_list;  // torch._C._cuda_getArchFlags(); absent: None
  Fact<std::string> cudnn;   // torch.backends.cudnn.version(), "91002"; absent: None
  Fact<std::string> config;  // torch.__config__.show()
  bool operator==(const PythonTorch&) const = default;
};

struct PythonAnswer {
  ProbeRun run;      // load_error and init_error are absent: they are the CUDA probe's
  std::string mode;  // "environment", "import"
  // "embedded": libpython of the interpreter's prefix; "interpreter": the program itself.
  std::string way;
  std::string because;            // why it was the interpreter itself; empty otherwise
  Fact<std::string> version;      // "3.12.4", as platform.python_version()
  Fact<std::string> soabi;        // of the extension modules that it imports; absent: it has no tag
  Fact<std::string> executable;   // sys.executable
  Fact<std::string> prefix;       // sys.prefix
  Fact<std::string> base_prefix;  // sys.base_prefix
  Fact<std::string> exec_prefix;  // sys.exec_prefix
  Fact<std::vector<std::string>> sys_path;  // as it is: "" first is the working directory
  Fact<std::vector<std::string>> flags;     // of sys.flags those that steer sys.path and are set
  Fact<std::string> torch_origin;  // the file that `import torch` would run, or the directory of a
                                   // namespace package; absent: none
  Fact<PythonTorch> torch;         // unknown: not imported
  std::vector<PythonImport> imports;  // torch first; what was not reached is not in it
  bool operator==(const PythonAnswer&) const = default;
};

}  // namespace gpuinit
