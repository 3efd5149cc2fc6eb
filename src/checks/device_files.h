// The device files of the driver, as several checks see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "checks/context.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

// The driver opens these in every program. Others (modeset, caps) may well be closed.
bool is_essential(std::string_view path);

// Essential files that the container or their mode forbids to open. A closed GPU among
// open ones is left out: it is another container's.
std::vector<DeviceNode> denied_nodes(const NodeFacts& node);

// "/dev/nvidia0", … that open. WSL's /dev/dxg is not one of them.
std::vector<std::string> open_gpus(const NodeFacts& node);

// Kernel driver, essential files with the errno of opening them, and the variables that
// choose devices.
void add_device_evidence(Finding& finding, const Context& context);

}  // namespace gpuinit::checks
