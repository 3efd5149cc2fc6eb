// One .pth file of a site directory: lines that are paths, lines that are code.
// Source: CPython, Lib/site.py addpackage().
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::image {

struct PthFile {
  std::vector<std::string> paths;  // absolute, in order; need not exist
  std::vector<std::string> code;   // `import …` lines, which are executed
};

// An unreadable file is an empty one, as for site.py.
PthFile read_pth_file(const base::RootFs& fs, const std::string& site_directory,
                      const std::string& name);

// Code of .pth files that is known to leave sys.path as it is.
bool is_harmless_pth(const std::string& name, const std::string& code);

}  // namespace gpuinit::image
