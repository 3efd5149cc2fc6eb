// The extensions that `import torch` imports itself, beside its own: NumPy's.
#pragma once

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/extensions/extensions.h"

namespace gpuinit::image {

// Where the first numpy on sys.path has no _multiarray_umath of this interpreter's ABI tag, those
// that it has are added to `found`. Its import ends with an ImportError, and torch/storage.py
// passes over a NumPy that is not there (ModuleNotFoundError) only: where it says so, the import of
// torch ends too. Otherwise nothing is added. Seen with torch 2.5 to 2.15.
void add_torch_imports(const base::RootFs& fs, const Interpreter& python, const Torch& torch,
                       FoundExtensions& found);

}  // namespace gpuinit::image
