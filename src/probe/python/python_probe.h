// Asks the user's interpreter itself, in a child process, to confirm what the files say:
// which Python it is, where torch would come from and, on request, whether the imports work.
//
// Two ways, one script (python_probe/probe.py) and one command line for both:
//   embedded     python-probe-cpython-3XX, a program of ours for this minor release, with
//                the libpython of the interpreter's own prefix: what an extension sees,
//                without running a file of the image as a program;
//   interpreter  the interpreter itself, where there is no such program or no libpython,
//                and to confirm: an embedded one that fails in any way may fail because it
//                is embedded, so the interpreter's own answer counts then.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "gpuinit/policy.h"
#include "gpuinit/python_answer.h"

namespace gpuinit::probe {

struct PythonProbeOptions {
  bool import = false;                             // import torch, if there is one, and `imports`
  std::vector<std::string> imports;                // names of modules
  std::chrono::milliseconds timeout{60'000};       // both ways together
  ProbeSandbox sandbox = ProbeSandbox::kRequired;  // probe/sandbox/sandbox.h

  std::string interpreter;           // as the command execs it, absolute
  std::vector<std::string> options;  // of its command line, those that steer sys.path: "-I"
  // What the command runs in it: "script", "module", "command", "interactive"; "nothing" if
  // that is not known: nothing stands before the rest of sys.path then.
  std::string runs = "nothing";
  std::string program;                             // the script as the command names it
  std::string directory = "/";                     // the command's
  std::map<std::string, std::string> environment;  // of the command

  // For the embedded one. `libpython` is empty if it has none; `no_libpython` says why.
  std::string release;  // "311"
  std::string version;  // "3.11.2", as read from the files; empty if not known
  std::string libpython;
  std::string no_libpython;
  // Where python-probe-cpython-3XX may be; the first directory that has it counts.
  std::vector<std::string> program_directories{"/usr/libexec/gpuinit"};
};

// Never fails: what went wrong is in the answer. Returns at the timeout plus twice
// Child::kReapBound at the latest, with no child of ours left but one that the kernel
// cannot kill.
PythonAnswer ask_python(const PythonProbeOptions& options);

}  // namespace gpuinit::probe
