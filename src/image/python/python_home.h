// Where an interpreter finds its standard library: prefix, base_prefix, venv.
//
// Follows Modules/getpath.py of CPython 3.11 and later (getpath.c before) and
// venv() of Lib/site.py. Where the search upwards finds nothing, the prefix is the
// one that was compiled in: the only string of the code with a standard library.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/root_fs.h"
#include "gpuinit/result.h"
#include "image/python/python_binary.h"
#include "image/python/python_release.h"
#include "image/python/python_start.h"

namespace gpuinit::image {

struct PythonHome {
  std::string prefix;       // sys.prefix: of a venv only if site is imported (or 3.14)
  std::string base_prefix;  // sys.base_prefix
  std::string platlibdir;   // "lib", or "lib64" (Fedora, openSUSE)
  std::string stdlib;       // base_prefix/lib/python3.12
  std::string lib_dynload;  // exec_prefix/lib/python3.12/lib-dynload, need not exist
  std::string zip;          // base_prefix/lib/python312.zip, need not exist
  std::string venv_config;  // pyvenv.cfg; empty: it is not a venv
  bool system_site = true;  // the venv also sees the base's site-packages
};

// An error, one clause, if there is no standard library of this release where it would look.
Result<PythonHome> find_python_home(const base::RootFs& fs, const PythonStart& start,
                                    const PythonBinary& python, const PythonRelease& release);

// pyvenv.cfg: what makes a directory a virtual environment.
// Source: CPython, Modules/getpath.py "READ pyvenv.cfg"; Lib/site.py, venv().
struct VenvConfig {
  std::string path;                 // of the file; empty: there is no such file
  std::optional<std::string> home;  // where the base interpreter lies
  bool system_site = true;          // what site.py takes if the key is missing
};

// Everything but the path. A later line of the same key wins.
VenvConfig parse_venv_config(std::string_view text);

}  // namespace gpuinit::image
