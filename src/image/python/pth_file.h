// The .pth files of a site directory: lines that are paths, and lines that are executed.
// Source: CPython, Lib/site.py addpackage().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::image {

struct PthFile {
  std::vector<std::string> paths;  // absolute, in order; need not exist
  std::vector<std::string> code;   // `import …` lines, which are executed
  std::string unread;              // why not all of it was read; empty: all was
};

// A file that this user may not read is an empty one, as for site.py.
PthFile read_pth_file(const base::RootFs& fs, const std::string& site_directory,
                      const std::string& name);

// Whether the code, of the .pth file of that name, is known to leave sys.path as it is.
bool is_harmless_pth(const std::string& name, const std::string& code);

// `import _M; …` of an editable installation (setuptools, scikit-build-core, meson-python,
// editables): _M. Empty if the code is another.
std::string_view finder_module(std::string_view code);

// Whether such a module, a file beside the .pth, is a finder for the packages that it names. It is
// asked after sys.path, which stays as it is. Not if it names torch.
bool is_editable_finder(const base::RootFs& fs, const std::string& file);

// What NVIDIA's CUTLASS DSL puts in front: the sub-directory of its package. Empty if the code is
// another.
std::string front_entry(const std::string& directory, std::string_view code);

}  // namespace gpuinit::image
