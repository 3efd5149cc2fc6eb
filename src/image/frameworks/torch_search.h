// Which torch `import torch` finds. Source: CPython, importlib's FileFinder: in
// each entry of sys.path a package directory wins over an extension module, that
// over torch.py; a directory without __init__.py only if nothing else is anywhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_fs.h"

namespace gpuinit::image {

struct FoundTorch {
  std::string path;   // the package directory or the module file
  std::string entry;  // of sys.path
  bool package = false;
  std::vector<std::string> shadowed;  // later ones that this one hides
  std::string bare_directory;         // only set if nothing was found: a torch/ without __init__.py
  bool found() const { return !path.empty(); }
};

// `soabi`: of the interpreter, "" if it is not known.
FoundTorch find_torch(const base::RootFs& fs, const std::vector<std::string>& sys_path,
                      const std::string& soabi);

}  // namespace gpuinit::image
