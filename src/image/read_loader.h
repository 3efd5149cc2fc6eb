// What the loader does for the interpreter and `import torch`, as facts.
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/torch_load.h"

namespace gpuinit::image {

// `prefix`: sys.prefix, empty if it is not known.
Fact<LoaderFacts> read_loader(const base::RootFs& fs, const TorchLoad& load,
                              const std::vector<std::string>& sys_path, const std::string& prefix);

// Libraries that come with the node's driver, not with the image: libcuda, libnvidia-ml, …
bool is_driver_library(std::string_view name);

}  // namespace gpuinit::image
