// How the command starts its Python: which file, with what options, environment and directory.
// Not a fact: an environment holds secrets.
#pragma once

#include <string>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/result.h"
#include "image/python/python_options.h"

namespace gpuinit::image {

struct PythonStart {
  std::string interpreter;  // as it is exec'd: absolute, symlinks not resolved
  PythonOptions options;
  base::Environment environment;  // what `env` left of the command's
  std::string working_directory;  // absolute

  // What read_image() adds for the Python probe.
  // The file to embed this very interpreter with. An error, one clause: it cannot be
  // embedded truly, the interpreter has to run itself.
  Result<std::string> libpython = Error{"the interpreter is not known"};
  std::string release = {};  // "311"; empty: no program is built for it

  // A variable that steers Python; "" if it is not set or the options say to ignore it.
  std::string variable(const std::string& name) const {
    return options.ignore_environment ? std::string() : base::variable(environment, name);
  }
};

struct ReadInterpreter;

// "311" of "cpython-311-x86_64-linux-gnu", "" of anything but a plain release build.
std::string plain_release(const std::string& soabi);

// libpython of the interpreter's own prefix: the one that it loads; for one that has its
// code inside, libpython3.XX.so.1.0 in the library directories of its base prefix.
//
// An error for what an embedding program cannot be like: another implementation,
// free-threaded and debug builds (no program is built for them), musl, and an interpreter
// with a DT_RPATH, since the loader then also looks there for what extensions need
// (ld.so(8); conda's are like that).
Result<std::string> find_libpython(const base::RootFs& fs, const ReadInterpreter& python);

}  // namespace gpuinit::image
