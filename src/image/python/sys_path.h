// sys.path of an interpreter, as it is when the command's first import runs.
// Source: CPython, Modules/getpath.py, Modules/main.c, Lib/site.py, and what
// Debian and Fedora change in the latter.
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "image/python/python_home.h"
#include "image/python/python_release.h"
#include "image/python/python_start.h"

namespace gpuinit::image {

struct SysPath {
  std::vector<std::string> entries;  // existing directories and files (zips), in order
  std::vector<std::string> notes;    // code that may change it and is not run here
  bool open_ended = false;           // one of the notes could bring in packages
};

struct SysPathQuery {
  const base::RootFs& fs;
  const PythonHome& home;
  const PythonRelease& release;
  const PythonStart& start;
};

// The first of all entries, which the command decides on: the directory of its script, else the
// working directory. "" if it has none or it does not exist. `safe_path`: the release knows -P
// (3.11).
std::string first_sys_path_entry(const base::RootFs& fs, const PythonStart& start, bool safe_path);

// The user's site directory for "python3.12"; "" if the user has no home directory. Need not exist.
std::string user_site_directory(const base::RootFs& fs, const base::Environment& environment,
                                const std::string& python);

SysPath read_sys_path(const SysPathQuery& query);

}  // namespace gpuinit::image
