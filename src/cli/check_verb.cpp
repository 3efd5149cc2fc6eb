// gpuinit --check: the verdict as exit code and report; nothing is launched.
#include "base/log.h"
#include "cli/command_seccomp.h"
#include "cli/output.h"
#include "cli/print_verdict.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::cli {

namespace {

int check(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  if (variable("GPUINIT") == "off") {
    print_error("GPUINIT=off: nothing was checked");
    return kExitGood;
  }
  auto loaded = load_policy(line);
  if (!loaded) return policy_error(loaded.error());
  if (line.root == "/")  // what the command would be started with
    if (const auto filter = command_seccomp(*loaded); !filter) return policy_error(filter.error());
  auto assessment = assess::assess(assess_request(invocation), loaded->policy);
  if (!assessment) return usage_error(assessment.error());
  write_termination_log(line, loaded->policy, *assessment);
  const int exit_code = assessment->verdict.exit_code;
  if (line.format == Format::kJson) return print(json_report(*assessment), exit_code);
  print_verdict(line, *assessment);
  return exit_code;
}

}  // namespace

extern const Verb kCheck{
    .option = "--check",
    .command = Argument::kOptional,
    .takes = "--root --node",
    .help = "       gpuinit --check [OPTIONS] [-- COMMAND...]  check only, by exit code\n",
    .run = check,
};

}  // namespace gpuinit::cli
