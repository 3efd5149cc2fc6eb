// A check: what it is (CheckInfo) and its rule, a pure function from facts and policy to findings.
//
// Each is a constant at the end of its own file, named in one row of check_list.cpp.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "checks/context.h"
#include "gpuinit/check_info.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

// Of a check that passed: empty. A single finding converts to it, so that a rule can return one.
struct Findings : std::vector<Finding> {
  Findings() = default;
  Findings(Finding finding);                 // NOLINT(google-explicit-constructor)
  Findings(std::optional<Finding> finding);  // NOLINT(google-explicit-constructor)
};

// `run` gives findings without ids and with the severity of level `fail`; run_checks.cpp adds
// the rest.
using Check = CheckInfo;

// In the order of causes.
std::span<const Check* const> check_list();

}  // namespace gpuinit::checks
