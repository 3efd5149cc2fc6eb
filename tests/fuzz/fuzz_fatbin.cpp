// The walk over a fatbin section. What it counts must add up.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/byte_source.h"
#include "elf/fatbin.h"

using gpuinit::base::MemorySource;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemorySource source(std::as_bytes(std::span(data, size)), "fuzz");
  gpuinit::DeviceCode fatbins;
  const auto containers = gpuinit::elf::walk_fatbin_section(source, 0, size, fatbins);
  if (!containers) return 0;
  std::uint64_t grouped = 0;
  for (const auto& group : fatbins.groups) {
    if (group.containers == 0 || group.targets.empty()) std::abort();
    for (const auto& target : group.targets)
      if (!fatbins.entries.contains(target)) std::abort();
    grouped += group.containers;
  }
  if (grouped > *containers) std::abort();
  return 0;
}
