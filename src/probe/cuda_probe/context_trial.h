// One context and one verified kernel on a device.
#pragma once

#include "driver_api.h"

namespace gpuinit::cuda_probe {

// Writes `trial <index>`, what came of it and `trial-end <index>`. False if the driver would
// not take back what was made on the device. Several may run at the same time, for
// different devices.
bool try_context(const DriverApi& cuda, int index, CUdevice device);

}  // namespace gpuinit::cuda_probe
