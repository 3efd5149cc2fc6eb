// The default places of a policy, inside a tree.
#pragma once

#include "checks/run_checks.h"
#include "policy/load_policy.h"
#include "support/tree.h"

namespace gpuinit::policy {

inline PolicySources sources_in(const test::Tree& tree) {
  PolicySources sources;
  sources.checks = checks::catalogue;
  sources.default_file = tree.at("policy.toml");
  sources.default_directory = tree.at("policy.d");
  return sources;
}

}  // namespace gpuinit::policy
