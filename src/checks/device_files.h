// The device files of the driver, as several checks see them.
#pragma once

#include <string>
#include <vector>

#include "checks/context.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

// How many of the device files are GPUs, open or not; 0 if the files are not known.
std::size_t gpu_files(const NodeFacts& node);

// Files that the driver opens in every program (others, modeset and caps, may well be closed)
// and that the container or their mode forbids to open. A closed GPU among open ones is left
// out: it is another container's.
std::vector<DeviceNode> denied_nodes(const NodeFacts& node);

// "/dev/nvidia0", … that open. WSL's /dev/dxg is not one of them.
std::vector<std::string> open_gpus(const NodeFacts& node);

// Kernel driver, those files with the errno of opening them, and the variables that
// choose devices.
void add_device_evidence(Finding& finding, const Context& context);

}  // namespace gpuinit::checks
