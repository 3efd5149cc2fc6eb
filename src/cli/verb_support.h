// What several verbs do: read the policy, put the request, print, say what was wrong.
#pragma once

#include <string>
#include <string_view>

#include "assess/assess.h"
#include "base/json.h"
#include "cli/options.h"
#include "policy/load_policy.h"

namespace gpuinit::cli {

// A variable of gpuinit's own environment; "" where it is not set.
std::string variable(const char* name);

// Print the error on stderr, and give the exit code.
int usage_error(const Error& error);
int policy_error(const Error& error);
int policy_errors(const Error& error);  // of load_policy: each of its lines

// Of something that could not be written or run, for a cause that is not the image's: kExitNotReady
// if it may go away by itself (a full disk, no memory), else kExitUsage.
int exit_code_of(const Error& error);

// Print on stdout what was asked for. A report that could not be written must not look
// like a verdict: then it is exit_code_of() instead of `exit_code`.
int print(std::string_view text, int exit_code);
int print_json(const base::Json& json, int exit_code);
// With the number of the schema before the members.
int print_document(base::JsonObject members, int exit_code);

// From --policy or GPUINIT_POLICY, the default files, GPUINIT_SET and --set. Prints what a locked
// policy refused, and what was left out by GPUINIT=off, which only some verbs heed.
enum class Off { kHeeded, kIgnored };
Result<policy::LoadedPolicy> load_policy(const CommandLine& line, Off off = Off::kIgnored);

// report.termination-log of that policy, printing nothing; the built-in one where it has an error.
std::string termination_log_of(const CommandLine& line);

// What GPUINIT=off leaves of it without GPUINIT_SET and --set. Prints nothing.
Result<policy::LoadedPolicy> load_policy_files(const CommandLine& line);

assess::AssessRequest assess_request(const Invocation& invocation);

// The same with what --image-config says; an error is one of usage.
Result<assess::AssessRequest> image_request(const Invocation& invocation);

}  // namespace gpuinit::cli
