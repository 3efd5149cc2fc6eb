// One context and one verified kernel on a device.
#pragma once

#include "driver_api.h"

namespace gpuinit::cuda_probe {

// Says `trial <index>` and what came of it. Leaves nothing behind on the device.
void try_context(const DriverApi& cuda, int index, CUdevice device);

}  // namespace gpuinit::cuda_probe
