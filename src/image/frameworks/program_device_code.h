// Whether a program that is not Python has GPU code of its own: in itself or in a library that
// the loader maps for it.
#pragma once

#include <string>

#include "base/environment_variables.h"
#include "base/root_fs.h"

namespace gpuinit::image {

// False too if the program cannot be read. `program` is a path inside the root.
bool has_device_code(const base::RootFs& fs, const base::Environment& environment,
                     const std::string& program);

}  // namespace gpuinit::image
