// Says what the checks found to everybody who wants to know.
#pragma once

#include <string>

#include "assess/assess.h"
#include "cli/options.h"
#include "gpuinit/policy.h"

namespace gpuinit::cli {

std::string json_report(const assess::Assessment& assessment);

// As text or JSON, as --format says.
void print_verdict(const CommandLine& line, const assess::Assessment& assessment);

// A failure, in the file that Kubernetes shows (report.termination-log).
void leave_verdict(const CommandLine& line, const Policy& policy,
                   const assess::Assessment& assessment);

}  // namespace gpuinit::cli
