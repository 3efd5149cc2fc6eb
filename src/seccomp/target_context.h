// Where a filter is to hold: what the rules of a profile may depend on besides the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace gpuinit::seccomp {

struct TargetContext {
  // Bit n: capability n. Those that the command can ever have.
  std::uint64_t capabilities = 0;
  std::pair<int, int> kernel{0, 0};  // {6, 1} for 6.1.0-13; {0, 0}: unknown, older than any

  // The kernel takes a filter from a process without CAP_SYS_ADMIN (in its user
  // namespace) only if no program it executes can give it new privileges.
  bool needs_no_new_privs = false;

  bool has_capability(int number) const { return ((capabilities >> number) & 1U) != 0; }
  bool kernel_is_at_least(int version, int patch_level) const {
    return kernel >= std::pair(version, patch_level);
  }
};

// Of this process. With no_new_privs the command can never have more than what is permitted
// to us now; without it, what is in our bounding set.
TargetContext read_target_context();

// "CAP_SYS_ADMIN" → 21 (linux/capability.h); nullopt if there is no such capability.
std::optional<int> capability_number(std::string_view name);

// "4.8" or "6.1.0-13-amd64" → {4, 8}, {6, 1}; nullopt if it does not start like that.
std::optional<std::pair<int, int>> kernel_version(std::string_view release);

}  // namespace gpuinit::seccomp
