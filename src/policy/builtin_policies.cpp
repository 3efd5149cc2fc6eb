#include "policy/builtin_policies.h"

namespace gpuinit::policy {

namespace {

struct BuiltinPolicy {
  std::string_view name;
  std::string_view text;
};

// CMakeLists.txt makes the rows of the files.
constexpr BuiltinPolicy kPolicies[] = {
    {"default", "version = 1"},
#include "builtin_policies.inc"
};

}  // namespace

std::optional<std::string_view> builtin_policy(std::string_view name) {
  for (const BuiltinPolicy& policy : kPolicies)
    if (policy.name == name) return policy.text;
  return std::nullopt;
}

std::vector<std::string> builtin_policy_names() {
  std::vector<std::string> names;
  for (const BuiltinPolicy& policy : kPolicies) names.emplace_back(policy.name);
  return names;
}

}  // namespace gpuinit::policy
