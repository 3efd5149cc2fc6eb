// A page plan without a recording: from what was read of the image, the parts of torch's
// libraries that the loader and the libraries' constructors touch.
#pragma once

#include "gpuinit/image_facts.h"
#include "warmup/page_plan.h"

namespace gpuinit::warmup {

// Reads the section headers of every library that the loader will open, in that order.
// Device code (fatbins) and debugging information are left out: nobody reads them at start.
// Libraries that cannot be read, and an image without torch, add nothing.
//
// Measured on torch 2.8.0 with CUDA 12.8 (docs/measurements.md): all that is touched of
// relocations, symbols, hash tables and data; of code, nearly all near its beginning, where
// the linker puts constructors (.text.startup).
PagePlan auto_plan(const ImageFacts& image);

}  // namespace gpuinit::warmup
