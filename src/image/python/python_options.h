// The arguments of a Python interpreter, as far as they decide on sys.path.
// Source: CPython, Doc/using/cmdline.rst and Python/getopt.c.
#pragma once

#include <span>
#include <string>

namespace gpuinit::image {

struct PythonOptions {
  enum class Runs {
    kUnknown,      // the command could not be followed
    kNothing,      // --version, --help
    kInteractive,  // no program, or "-": from standard input
    kScript,       // a file, a directory or a zip file
    kModule,       // -m
    kCommand,      // -c
  };
  Runs runs = Runs::kUnknown;
  std::string program;              // the script as it was written, the module's name, -c's text
  std::size_t rest = 0;             // index among the arguments of what follows the program
  bool isolated = false;            // -I, which implies the next three
  bool ignore_environment = false;  // -E
  bool no_user_site = false;        // -s
  bool safe_path = false;           // -P (3.11 and later)
  bool no_site = false;             // -S
};

// `arguments`: what follows the interpreter's own name.
PythonOptions parse_python_options(std::span<const std::string> arguments);

}  // namespace gpuinit::image
