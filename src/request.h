// From the command line to what the pipeline is asked, and what is said of mistakes in it.
#pragma once

#include <string>

#include "command_line.h"
#include "pipeline.h"
#include "policy/load_policy.h"

namespace gpuinit {

// "" where it is not set.
std::string variable(const char* name);

// Complain, and give the exit code.
int usage_error(const Error& error);
int policy_error(const Error& error);

// From --policy or GPUINIT_POLICY, the default files, GPUINIT_SET and --set.
Result<policy::LoadedPolicy> load_policy(const CommandLine& line);

Question question_of(const CommandLine& line, int argc, char** argv);

}  // namespace gpuinit
