// How the Python probe is to run the interpreter so that it is the command's: with its
// options, environment and directory. Not a fact: an environment holds secrets.
#pragma once

#include <string>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "gpuinit/result.h"
#include "image/image_environment.h"
#include "image/python/python_options.h"
#include "image/python/read_interpreter.h"

namespace gpuinit::image {

struct PythonStart {
  std::string interpreter;  // as the command execs it
  PythonOptions options;
  Environment environment;        // what `env` left of the command's
  std::string working_directory;  // the command's, absolute
  // The file to embed this very interpreter with. An error, one clause: it cannot be
  // embedded truly, the interpreter has to run itself.
  Result<std::string> libpython = Error{"the interpreter is not known"};
  std::string release = {};  // "311"; "" for what no program is built for
};

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
