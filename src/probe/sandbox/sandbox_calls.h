// Which system calls the sandbox of a probe refuses, and which it takes for granted.
// Lists only; probe_filter.h makes a filter of them.
//
// Three kinds of calls:
//   refused     what no probe has any business with: it would reach beyond its own
//               process group and the files it may write. It fails, and is named.
//   expected    what the driver, CPython and the C library do. It costs nothing.
//   unexpected  all others. They are let through, and named: an incomplete list must never
//               be the reason why a driver fails.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "probe/sandbox/sandbox.h"
#include "seccomp/filter.h"

namespace gpuinit::probe {

// `error` is what the call fails with. ENOSYS, as on a kernel without the call, makes the
// caller use an older one for the same purpose; such a call is not named.
std::vector<seccomp::Rule> refused_calls();

// Let through before any other rule counts: signals to the probe itself, which abort()
// needs. `process`: its process id.
std::vector<seccomp::Rule> calls_about_itself(std::uint64_t process);

// What else changes files, for kernels without Landlock: see sandbox.h.
std::vector<seccomp::Rule> refused_file_changes(Sandbox::Kind kind);

// Calls that change files otherwise than through a path that Landlock controls (mode,
// owner, times, extended attributes).
std::vector<seccomp::Rule> refused_attribute_changes(Sandbox::Kind kind);

std::vector<std::string_view> expected_calls(Sandbox::Kind kind);

}  // namespace gpuinit::probe
