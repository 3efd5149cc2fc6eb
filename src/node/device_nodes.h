// The NVIDIA device files of the machine and whether they may be opened.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::node {

// True for names in /dev that belong to the driver: "nvidia0", "nvidiactl",
// "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "dxg".
bool is_driver_device(std::string_view name);

// Every such character device, GPUs first and in the order of their numbers,
// and those of /dev/nvidia-caps, each opened once and closed: only an open tells
// about a device cgroup, which shows in no permission bit. The open is O_RDWR
// (O_RDONLY below nvidia-caps, as the driver itself opens them) and O_NONBLOCK,
// which keeps the driver from waiting for a GPU to initialise.
//
// What is no character device (the empty directory that `docker -v /dev/nvidia0`
// leaves where the host has none) is no device node. Unknown: /dev is unreadable.
Fact<std::vector<DeviceNode>> read_device_nodes(const base::RootFs& fs);

}  // namespace gpuinit::node
