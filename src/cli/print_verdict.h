// Says what the checks found to everybody who wants to know.
#pragma once

#include "assess/assess.h"
#include "base/json.h"
#include "cli/options.h"
#include "gpuinit/policy.h"
#include "policy/load_policy.h"

namespace gpuinit::cli {

base::JsonObject json_report(const CommandLine& line, const policy::LoadedPolicy& policy,
                             const assess::Assessment& assessment);

// As text or as an event, as --format says; --quiet has only what fails.
void print_verdict(const CommandLine& line, const policy::LoadedPolicy& policy,
                   const assess::Assessment& assessment);

// A failure, in the file that Kubernetes shows (report.termination-log).
void leave_verdict(const Policy& policy, const assess::Assessment& assessment);

}  // namespace gpuinit::cli
