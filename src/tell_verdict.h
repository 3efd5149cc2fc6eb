// Says what the checks found to everybody who wants to know.
#pragma once

#include <string>

#include "command_line.h"
#include "gpuinit/policy.h"
#include "pipeline.h"

namespace gpuinit {

std::string json_report(const Judgement& judgement);

// As text or JSON, as --format says.
void tell_on_stderr(const CommandLine& line, const Judgement& judgement);

// A failure, in the file that Kubernetes shows (report.termination-log).
void tell_kubernetes(const CommandLine& line, const Policy& policy, const Judgement& judgement);

}  // namespace gpuinit
