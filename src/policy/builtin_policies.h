// The policies of policies/, which are inside of the program: --policy builtin:build.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::policy {

inline constexpr std::string_view kBuiltinPrefix = "builtin:";

// The text of policies/NAME.toml without its comments, line by line; of "default", which is what
// holds anyhow, nothing but its version. nullopt if there is no such policy.
std::optional<std::string_view> builtin_policy(std::string_view name);

std::vector<std::string> builtin_policy_names();

}  // namespace gpuinit::policy
