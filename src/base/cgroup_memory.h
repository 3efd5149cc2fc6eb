// What the cgroups (v1 or v2) of this process say: how often the memory limit has killed, the
// limit, the peak; and how many tasks may still be made.
#pragma once

#include <cstdint>
#include <optional>

#include "base/root_fs.h"

namespace gpuinit::base {

// nullopt if a value could not be read or a limit is not set.
struct CgroupMemory {
  std::optional<std::uint64_t> oom_kills;  // since the cgroup was made
  std::optional<std::uint64_t> limit;      // bytes, the lowest from here up to the root
  std::optional<std::uint64_t> peak;       // bytes
  std::optional<std::uint64_t> room;       // bytes, the least that a limit on that way leaves now
};

// Sources: Linux Documentation/admin-guide/cgroup-v2.rst (memory.events, memory.max,
// memory.peak, memory.current) and cgroup-v1/memory.rst (memory.oom_control, limit_in_bytes,
// max_usage_in_bytes, usage_in_bytes). In a container without a cgroup namespace /proc/self/cgroup
// names the host's path; the mount itself is the container's cgroup then.
CgroupMemory read_cgroup_memory(const RootFs& fs);

// Only `oom_kills`: read before the command, in the way of its start.
std::optional<std::uint64_t> read_oom_kills(const RootFs& fs);

// Processes and threads: the least that a pids.max from here up to the root leaves now; nullopt
// if there is no limit. Source: Documentation/admin-guide/cgroup-v1/pids.rst.
std::optional<std::uint64_t> read_tasks_left(const RootFs& fs);

}  // namespace gpuinit::base
