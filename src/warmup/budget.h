// How many bytes may be read ahead without crowding anybody out.
#pragma once

#include <cstdint>

#include "base/root_fs.h"

namespace gpuinit::warmup {

// The least of `wanted`, half of what the cgroup's memory limit leaves now, and half of
// the machine's available memory. What cannot be read counts as no limit.
std::uint64_t budget(std::uint64_t wanted, const base::RootFs& fs);

}  // namespace gpuinit::warmup
