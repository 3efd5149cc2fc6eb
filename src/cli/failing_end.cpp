#include "cli/failing_end.h"

#include <algorithm>

#include "base/standard_error.h"
#include "base/text.h"
#include "gpuinit/exit_codes.h"
#include "gpuinit/policy.h"
#include "report/termination_log.h"

namespace gpuinit::cli {

namespace {

// As print_error prints it.
std::string line_of(std::string_view message) {
  return "gpuinit: " + base::printable(message, report::kTerminationLogLimit) + "\n";
}

void leave(int exit_code, std::string_view cause, std::string text, const std::string& file,
           report::Replace replace) {
  const Status left = report::write_termination_log(
      file, {.exit_code = exit_code, .cause = cause, .text = std::move(text)}, replace);
  if (!left) base::print_notice(left.error().message);
}

}  // namespace

int failing_end(int exit_code, std::string_view message, const std::string& file) {
  base::print_error(message, exit_code);
  const auto* const info = std::ranges::find(kExitCodes, exit_code, &ExitCodeInfo::code);
  leave(exit_code, info != kExitCodes.end() ? info->name : "", line_of(message), file,
        report::Replace::kAlways);
  return exit_code;
}

int failing_end(int exit_code, std::string_view message) {
  return failing_end(exit_code, message, Policy::Report{}.termination_log);
}

int failing_policy(const Error& error) {
  std::string text;
  for (const auto problem : base::split_lines(error.message)) {
    base::print_error(problem, kExitPolicy);
    text += line_of(problem);
  }
  leave(kExitPolicy, "policy", std::move(text), Policy::Report{}.termination_log,
        report::Replace::kAlways);
  return kExitPolicy;
}

void command_end(int exit_code, std::string_view message, const std::string& file) {
  base::print_postmortem(message, exit_code);
  leave(exit_code, "command", line_of(message), file, report::Replace::kIfEmpty);
}

}  // namespace gpuinit::cli
