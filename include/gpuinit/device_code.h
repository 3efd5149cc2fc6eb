// For which GPUs a library carries code. The rules of facts.h hold.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gpuinit/fact.h"

namespace gpuinit {

// Containers of the fatbin sections that hold exactly the same set of targets.
// Groups, not totals, because coverage of a device is counted in containers.
struct FatbinGroup {
  std::vector<std::string>
      targets;                // "sm_90", "sm_90a", "sm_100f", "compute_90" (PTX); sorted, unique
  Fact<std::string> ptx_isa;  // highest PTX ISA of the group, "8.4"; absent: no PTX in it
  std::uint64_t containers = 0;
  bool operator==(const FatbinGroup&) const = default;
};

// Device code in torch's CUDA libraries, or in an extension.
struct DeviceCode {
  std::vector<std::string> files;  // the libraries that were read
  std::map<std::string, std::uint64_t>
      entries;  // target → fatbin entries, as `cuobjdump --list-elf/--list-ptx` counts
  std::vector<FatbinGroup> groups;
  bool operator==(const DeviceCode&) const = default;
};

}  // namespace gpuinit
