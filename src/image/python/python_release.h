// Which CPython release the code of an interpreter is, and which variant of it.
#pragma once

#include <string>

#include "gpuinit/fact.h"
#include "image/python/python_binary.h"

namespace gpuinit::image {

struct PythonRelease {
  unsigned major = 0;  // 0: not known
  unsigned minor = 0;
  Fact<std::string> version;   // as platform.python_version(): "3.12.4", "3.14.0rc2"
  bool free_threaded = false;  // sys.abiflags has "t"
  bool debug = false;          // sys.abiflags has "d"
  std::string
      extension_suffix;  // ".cpython-310-x86_64-linux-gnu.so" if the code was searched for it

  bool known() const { return major != 0; }
  bool at_least(unsigned want_minor) const { return major > 3 || minor >= want_minor; }
  std::string dotted() const { return std::to_string(major) + "." + std::to_string(minor); }
  std::string undotted() const { return std::to_string(major) + std::to_string(minor); }
  std::string thread_flag() const { return free_threaded ? "t" : ""; }
};

// From the exported constant Py_Version (3.11 and later); before that from the
// strings of the code; without readable code from libpython's SONAME.
PythonRelease read_python_release(const PythonBinary& python);

// The extension suffixes and versions that the code holds as strings, for when
// no file beside it says so. Fills `release.extension_suffix` if there is just one.
void search_extension_suffix(const PythonBinary& python, PythonRelease& release);

// "libpython3.13t.so.1.0" → 3.13, free threaded; false if it is not such a name.
bool parse_libpython_name(const std::string& soname, PythonRelease& release);

}  // namespace gpuinit::image
