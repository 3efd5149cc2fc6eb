// What a process has mapped, as /proc/PID/maps tells it (proc(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gpuinit::warmup {

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // in the file, of `begin`
  bool executable = false;
  bool writable = false;
  std::string path;  // or "[vdso]" and the like, or empty
};

// Empty if the process is gone, or does not let us look.
std::vector<Mapping> mappings_of(pid_t pid);

}  // namespace gpuinit::warmup
