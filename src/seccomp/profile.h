// Reads a seccomp profile as container engines take it: OCI's form (linux.seccomp of
// config.json, runtime-spec config-linux.md) or Docker's, which adds archMap, includes
// and excludes. Means what it means to runc; what gpuinit cannot do is refused.
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
  // Names in rules that would allow them and that are no call here: the profile is
  // newer than gpuinit. They fail as all calls do that no rule allows.
  std::vector<std::string> unknown_names;
};

// The error names the place: "syscalls[3].args[0].op: …".
Result<Profile> parse_profile(std::string_view text, const Circumstances& here);

}  // namespace gpuinit::seccomp
