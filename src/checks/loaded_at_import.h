// Packages whose import surely ends where they do not fit the torch that is there.
//
// Most go on without their compiled code, or load it later. Here are those that do not, each as it
// was found by importing it beside another torch.
#pragma once

#include "checks/check.h"

namespace gpuinit::checks {

// `import PACKAGE` loads this library and ends where that fails. False: not so, or not known.
bool is_loaded_at_import(const Extension& extension, const ImageFacts& image);

// torchaudio compares its CUDA with torch's.
void add_torchaudio(const Context& context, Findings& findings);

}  // namespace gpuinit::checks
