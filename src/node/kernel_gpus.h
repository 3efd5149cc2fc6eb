// The GPUs that the kernel driver knows, without asking it anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::node {

// From the text of an `information` file:
//   Model:           NVIDIA H100 80GB HBM3
//   GPU UUID:        GPU-eaf23aa1-4d3d-596c-da66-b86b0e5db584
//   Device Minor:    0
// A UUID with question marks is that of a GPU which the driver has not started yet.
KernelGpu parse_kernel_gpu(std::string bus_id, std::string_view text);

// Every GPU below /proc/driver/nvidia/gpus, by bus id. In a container these may be all
// GPUs of the node, or those that the container runtime left visible. Unknown: there is
// no such directory (no driver, WSL, Tegra, a sandbox), or it cannot be read.
Fact<std::vector<KernelGpu>> read_kernel_gpus(const base::RootFs& fs);

}  // namespace gpuinit::node
