// Everything that hangs on one interpreter: itself, its torch, what the loader makes of both, and
// what is installed beside them.
#pragma once

#include <optional>

#include "gpuinit/image_facts.h"
#include "image/read_image.h"
#include "image/start/start.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

// Fills the facts from `interpreter` to `packages`; the driver's functions are not looked up yet.
// `started`, if not null: how to run the interpreter, which is moved from `chosen`.
void read_python_image(const ImageQuery& query, const ldso::LibrarySearch& libraries,
                       ChosenPython chosen, ImageFacts& facts, std::optional<PythonStart>* started);

}  // namespace gpuinit::image
