// Of a library that the loader cannot use: whether it is only a part of itself.
#pragma once

#include <string>

#include "base/root_fs.h"
#include "ldso/loader_closure.h"

namespace gpuinit::image {

// Why the library is not there, with that in it: "/a/libx.so: is cut short: 0 of 512 bytes, by the
// RECORD of nvidia_cublas_cu12-12.8.3"; where no RECORD says how long it has to be, "…, by its ELF
// headers".
std::string reason_of(const base::RootFs& fs, const ldso::LoadFailure& missing);

}  // namespace gpuinit::image
