// What a start needs of the image besides libraries: a user with a name, the means to compile.
// The rules of facts.h hold.
#pragma once

#include <cstdint>
#include <string>

#include "gpuinit/fact.h"

namespace gpuinit {

// Whose process the command becomes.
struct RunUser {
  std::uint64_t uid = 0;
  // As getpwuid(3) finds it. Absent: no line of /etc/passwd has the uid; unknown: a service that
  // nsswitch.conf names, or a preloaded library, may know it.
  Fact<std::string> name;
  bool operator==(const RunUser&) const = default;
};

// What Triton compiles its launcher with, at the first kernel of every process that finds none
// in its cache. Source: Triton, python/triton/runtime/build.py, backends/nvidia/driver.py.
struct Toolchain {
  Fact<std::string> compiler;       // CC, else gcc or clang on PATH; absent: none of them
  Fact<std::string> python_header;  // Python.h in the interpreter's own include directory
  Fact<std::string> ldconfig;       // /sbin/ldconfig, which Triton runs to find libcuda
  bool operator==(const Toolchain&) const = default;
};

}  // namespace gpuinit
