// Facts × policy → findings → verdict. Pure: nothing here reads a file.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gpuinit/check_info.h"
#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "gpuinit/policy.h"

namespace gpuinit::checks {

// Every check, in the order of causes: the order in which they run.
std::span<const CheckInfo> catalogue();

// Runs every check that the policy does not switch off, in the order of the
// catalogue. A check that passes says nothing. Under level `warn` its failures are kWarn.
// One cause makes one failure: what follows from a failure that was already
// reported is kSkipped and names it.
// What the policy accepts is kAccepted; `today`, "2026-11-29", ends an acceptance (empty: none).
std::vector<Finding> run_checks(const Facts& facts, const Policy& policy,
                                std::string_view today = {});

// The least retryable class among the failures decides the exit code.
Verdict judge(const std::vector<Finding>& findings);

}  // namespace gpuinit::checks
