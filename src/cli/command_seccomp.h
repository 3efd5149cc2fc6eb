// From the policy's [seccomp] to the filter that the command runs under.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gpuinit/policy.h"
#include "gpuinit/result.h"
#include "launch/command_filter.h"
#include "policy/load_policy.h"
#include "seccomp/filter.h"

namespace gpuinit::cli {

struct CommandSeccomp {
  seccomp::Filter filter;
  // Allowed by the profile, but not system calls that gpuinit knows.
  std::vector<std::string> unknown_names;
  launch::CommandFilter compiled;
};

// For PolicySources: what is wrong with the name of a system call. Empty if nothing is.
std::string call_problem(const std::string& name);

// Reads the profile. nullopt if the policy asks for no filter. An error is one of the policy:
// it names the key and where that was set, or the profile and the place in it.
Result<std::optional<CommandSeccomp>> command_seccomp(const policy::LoadedPolicy& loaded);

// Comments to print after the policy. Empty if there is no filter.
std::string describe_command_seccomp(const std::optional<CommandSeccomp>& filter);

}  // namespace gpuinit::cli
