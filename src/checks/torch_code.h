// What torch has for which GPU, and where that was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checks/arch_coverage.h"
#include "checks/driver_jit.h"
#include "gpuinit/facts.h"

namespace gpuinit::checks {

struct TorchCode {
  std::vector<FatbinGroup> groups;
  std::vector<std::string> targets;  // all of them, sorted as versions
  bool from_arch_list = false;
};

// No value if neither the device code nor the arch list is known.
std::optional<TorchCode> code_of(const Torch& torch);

// What becomes of the code on a device under this driver.
Coverage coverage_on(const TorchCode& code, rules::ComputeCapability device, const DriverJit& jit);

// No value if the device's compute capability is not known.
std::optional<rules::ComputeCapability> capability_of(const Device& device);

}  // namespace gpuinit::checks
