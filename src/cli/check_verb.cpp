// gpuinit --check: the verdict as exit code and report; nothing is launched.
#include <cerrno>

#include "base/log.h"
#include "cli/command_seccomp.h"
#include "cli/output.h"
#include "cli/print_verdict.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"
#include "launch/exec_command.h"

namespace gpuinit::cli {

namespace {

// What a launch would say of a command that is not there or cannot be executed; exit code 0: it is
// there.
launch::ExecFailure command_failure(const assess::AssessRequest& request) {
  if (request.command.empty()) return {kExitGood, ""};
  if (request.root == "/") {
    const launch::FoundCommand found = launch::find_command(request.command[0]);
    return found.path.empty() ? found.failure : launch::expected_exec_failure(found.path);
  }
  const Status found = assess::find_command(request);
  if (found) return {kExitGood, ""};
  return {found.error().code == ENOENT ? kExitNotFound : kExitNotExecutable,
          found.error().message + " under " + request.root};
}

int check(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  auto loaded = load_policy(line, Off::kHeeded);
  if (!loaded) return policy_error(loaded.error());
  if (loaded->checks_are_off) {
    print_error("GPUINIT=off: nothing was checked");
    return kExitGood;
  }
  if (line.root == "/" && line.image_file.empty())  // what the command would be started with
    if (const auto filter = command_seccomp(*loaded); !filter) return policy_error(filter.error());
  auto request = image_request(invocation);
  if (!request) return usage_error(request.error());
  if (const auto failure = command_failure(*request); failure.exit_code != kExitGood) {
    print_error(failure.message);
    return failure.exit_code;
  }
  auto assessment = assess::assess(*request, loaded->policy);
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
    .takes = "--root --node --image --image-config",
    .help = "       gpuinit --check [OPTIONS] [-- COMMAND...]  check only, by exit code\n",
    .run = check,
};

}  // namespace gpuinit::cli
