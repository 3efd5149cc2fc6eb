// What a command's filter starts from: a profile as container engines take it, or what
// Docker lets a container do by default.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/result.h"
#include "seccomp/filter.h"
#include "seccomp/target_context.h"

namespace gpuinit::seccomp {

inline constexpr std::size_t kMaxProfileBytes = 1024ULL * 1024;  // Docker's own has 13 KB

struct Profile {
  Filter filter;
  // Names in rules that would allow them which are not system calls here: the profile is
  // newer than gpuinit. They fail like every call that no rule allows.
  std::vector<std::string> unknown_names;
};

// OCI's form (linux.seccomp of config.json, runtime-spec config-linux.md) or Docker's, which
// adds archMap, includes and excludes. Means what it means to runc; what gpuinit cannot do is
// refused. The error names the place: "syscalls[3].args[0].op: …".
Result<Profile> parse_profile(std::string_view text, const TargetContext& here);

// Calls that Docker does not allow fail with EPERM, newer ones with ENOSYS. A capability
// that the command can have allows the calls that need it.
Filter docker_default(const TargetContext& here);

}  // namespace gpuinit::seccomp
