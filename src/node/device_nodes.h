// The NVIDIA device files of the machine and whether they may be opened.
#pragma once

#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::node {

// The GPUs in the order of their numbers, then nvidiactl, nvidia-uvm, nvidia-uvm-tools,
// nvidia-modeset and WSL's dxg, then those of /dev/nvidia-caps. Each is opened once and
// closed: only an open shows what a device cgroup allows, no permission bit does. The open
// is O_RDWR (O_RDONLY below nvidia-caps, as the driver itself opens them) and O_NONBLOCK,
// which keeps the driver from waiting for a GPU to initialise.
//
// What is not a character device (the empty directory that `docker -v /dev/nvidia0` leaves
// where the host has none) is left out. Unknown: /dev is unreadable.
Fact<std::vector<DeviceNode>> read_device_nodes(const base::RootFs& fs);

}  // namespace gpuinit::node
