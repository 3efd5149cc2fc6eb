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
// Measured on torch 2.8.0 and 2.15.0 (docs/measurements.md): relocations, symbols and hash
// tables are touched whole, of constants half, of code a tenth to two thirds and all over it.
PagePlan auto_plan(const ImageFacts& image);

}  // namespace gpuinit::warmup
