// After a command that failed: one paragraph with what the system knows about it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/cgroup_memory.h"
#include "gpuinit/node_facts.h"

namespace gpuinit::launch {

// How the user's command ended.
struct CommandEnd {
  bool known = false;  // false: another process, such as a tracer, took its status
  int status = 0;      // as given to exit; 0 if a signal ended it
  int signal = 0;      // 0: it exited by itself
  bool core_dumped = false;
};

// Whether the driver still answers.
struct DriverAnswer {
  bool asked = false;  // false: there is no driver here to ask
  bool lost = false;   // it hangs, reports an error, or has fewer devices than before
  std::string detail;  // one clause: "cuInit: CUDA error 999", "8 devices"
};
using AskDriver = std::function<DriverAnswer()>;

struct ExitContext {
  CommandEnd end;
  std::optional<std::uint64_t> oom_kills_before;
  base::CgroupMemory memory;     // afterwards
  SharedMemory shared_memory{};  // when the command ended; 0 bytes: no /dev/shm
  DriverAnswer driver;
};

// Of /dev/shm, as it is now.
SharedMemory read_shared_memory();

struct Postmortem {
  std::string text;       // one paragraph without a newline at its end; empty: it did not fail
  bool says_why = false;  // more than how it ended and that the driver is well
};
Postmortem describe_exit(const ExitContext& context);

}  // namespace gpuinit::launch
