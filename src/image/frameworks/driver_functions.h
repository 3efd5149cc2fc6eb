// What is asked of the node's driver by name: functions of libcuda and libnvidia-ml. The image
// says which, the driver at hand says whether it has them.
#pragma once

#include <string>
#include <vector>

#include "gpuinit/image_facts.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

// Moves the driver's functions from `symbols`, which nothing in the image defines, to
// `problems.driver_functions`.
void take_driver_functions(std::vector<UndefinedSymbol>& symbols, LoadProblems& problems);

// Adds to the undefined symbols of torch and of every extension the functions that the driver at
// hand does not have. Where there is no driver, or its library cannot be read, nothing is added.
void find_driver_functions(const ldso::LibrarySearch& libraries, ImageFacts& image);

}  // namespace gpuinit::image
