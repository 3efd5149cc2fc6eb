// What would be in the way of importing the extensions after `import torch`: each is opened
// in the simulated loader, and its symbols are looked for where the loader looks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/extensions/extensions.h"
#include "image/packages/wheel_libraries.h"
#include "ldso/loader_closure.h"
#include "ldso/symbol_check.h"
#include "ldso/version_check.h"

namespace gpuinit::image {

// Missing libraries and versions are those of everything that an extension brings in, not of
// torch. Python binds at once (RTLD_NOW), so every symbol of the extension must be found;
// looked for are those of Python, torch and CUDA (is_checked_symbol). Where a library is
// missing they are unknown. The driver's (libcuda.so.1) are not in an image: they are not counted
// as missing, and its functions are set aside (driver_functions.h).
class ExtensionLoading {
 public:
  // Opens the extensions whose file name and machine fit this interpreter, RTLD_LOCAL as
  // Python does; of the others the undefined symbols stay unknown. `closure` is the
  // interpreter's, with torch and what it opens itself already opened. An extension that
  // another of them needs by its file name is opened first, because the packages do so
  // themselves (torchaudio, torchcodec), and so is what their Python code opens from NVIDIA's
  // wheels (python_preload.h). All arguments must outlive this object.
  ExtensionLoading(const base::RootFs& fs, WheelLibraries& wheels, ldso::LoaderClosure& closure,
                   const Interpreter& python, const NeededNames& needed,
                   std::vector<Extension>& extensions);

  // Fills `problems` of each. Both arguments are of the closure as it is now, with the
  // extensions, so that torch's own questions can be put to the same two.
  void find_problems(ldso::SymbolCheck& symbols, const ldso::VersionCheck& versions);

 private:
  void open(std::size_t index);
  void open_before(const Extension& extension, const std::string& library);
  std::vector<std::size_t> brought_in(std::size_t object) const;
  const ldso::LoadFailure* missing(const std::string& name, std::size_t needed_by) const;
  void add_missing_libraries(const std::vector<std::size_t>& own, LoadProblems& problems) const;
  void add_missing_versions(const std::vector<std::size_t>& own, const ldso::VersionCheck& versions,
                            LoadProblems& problems) const;
  void add_undefined_symbols(std::size_t object, ldso::SymbolCheck& symbols,
                             LoadProblems& problems) const;

  const base::RootFs& fs_;
  WheelLibraries& wheels_;
  ldso::LoaderClosure& closure_;
  const Interpreter& python_;
  const NeededNames& needed_;
  std::vector<Extension>& extensions_;
  std::vector<std::size_t> objects_;  // of each extension; kMissing: it was not opened
  std::vector<bool> begun_;
  std::size_t first_own_ = 0;  // the objects before it are the interpreter's and torch's
};

// "_ZN3c10…", "_ZNK2at…", "PyList_New", "cudaMalloc", "cublasCreate_v2", …
bool is_checked_symbol(std::string_view name);

}  // namespace gpuinit::image
