// How a launch or a check ends without success: what is said on standard error is left for
// Kubernetes too (report/termination_log.h).
#pragma once

#include <string>
#include <string_view>

#include "gpuinit/result.h"

namespace gpuinit::cli {

// Prints `message`, leaves it in `file` (report.termination-log), and gives the exit code, whose
// name is the cause. If the file cannot be written, that is printed too.
int failing_end(int exit_code, std::string_view message, const std::string& file);
// Where the policy cannot be told: in the built-in file.
int failing_end(int exit_code, std::string_view message);

// Where the policy has an error, a line for each problem, as load_policy gives it.
int failing_policy(const Error& error);

// The same after the command has run: its own message, if it has left one, stays.
void command_end(int exit_code, std::string_view message, const std::string& file);

}  // namespace gpuinit::cli
