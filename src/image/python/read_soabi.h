// The SOABI of an interpreter: the middle of the names of the extension modules
// that it imports, "cpython-312-x86_64-linux-gnu".
#pragma once

#include <string>

#include "base/root_fs.h"
#include "gpuinit/fact.h"
#include "image/python/python_binary.h"
#include "image/python/python_release.h"

namespace gpuinit::image {

struct Soabi {
  Fact<std::string> soabi;
  Fact<std::string> source;  // the file that said so
};

// In this order, and only if version and flags agree with those of the code:
// build-details.json (PEP 739), the names in lib-dynload, _sysconfigdata*.py, the
// suffix that the code itself holds. `stdlib` and `lib_dynload` may be empty.
Soabi read_soabi(const base::RootFs& fs, const PythonBinary& python, PythonRelease& release,
                 const std::string& stdlib, const std::string& lib_dynload);

// "_C.cpython-312-x86_64-linux-gnu.so" with the stem "_C" → "cpython-312-…";
// empty if `name` is not an extension module of that stem or carries no tag.
std::string soabi_of_extension(const std::string& name, const std::string& stem);

}  // namespace gpuinit::image
