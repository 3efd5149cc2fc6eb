// After a command that failed: one paragraph with what the system knows about it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/cgroup_memory.h"
#include "launch/command_end.h"

namespace gpuinit::launch {

// Whether the driver still answers.
struct DriverAnswer {
  bool asked = false;  // false: there is no driver here to ask
  bool lost = false;   // it hangs, reports an error, or has fewer devices than before
  std::string detail;  // one clause: "cuInit: CUDA error 999", "8 devices"
};
using AskDriver = std::function<DriverAnswer()>;

// The shared memory of the container.
struct SharedMemory {
  std::uint64_t size = 0;  // bytes; 0: no /dev/shm
  std::uint64_t free = 0;
};
SharedMemory read_shared_memory();

struct Scene {
  CommandEnd end;
  std::optional<std::uint64_t> oom_kills_before;
  base::CgroupMemory memory;   // afterwards
  SharedMemory shared_memory;  // when the command ended
  DriverAnswer driver;
};

// One paragraph without a newline at its end; empty if the command did not fail.
std::string describe_scene(const Scene& scene);

}  // namespace gpuinit::launch
