// gpuinit --check: the verdict as exit code and report; nothing is launched.
#include "base/log.h"
#include "base/root_fs.h"
#include "base/standard_error.h"
#include "cli/command_seccomp.h"
#include "cli/failing_end.h"
#include "cli/print_verdict.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"
#include "image/python/python_binary.h"
#include "launch/exec_command.h"

namespace gpuinit::cli {

namespace {

// What a launch would say of a command that is not there or cannot be executed; exit code 0: it
// can be.
launch::ExecFailure command_failure(const CommandLine& line, const assess::AssessRequest& request) {
  launch::ExecFailure good{kExitGood, ""};
  if (request.command.empty()) return good;
  const std::string& name = request.command[0];
  const bool is_started_here = line.root == "/" && line.image_config.empty();
  const auto root = base::RootFs::open(request.root);
  if (!root) return good;  // the checks say it
  const auto& directory = request.working_directory;
  const launch::CommandFiles files =
      is_started_here ? launch::CommandFiles()
                      : launch::CommandFiles(*root, directory.empty() ? "/" : directory);
  const auto path = request.environment.find("PATH");
  const auto found = launch::find_command(
      name, files, path == request.environment.end() ? nullptr : path->second.c_str());
  if (!found.path.empty()) return launch::expected_exec_failure(found.path, files);
  // A Python that another root lacks becomes a finding, which says more.
  const bool is_missing = found.failure.exit_code == kExitNotFound;
  return !is_started_here && is_missing && image::is_python_name(name) ? good : found.failure;
}

int check(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  auto loaded = load_policy(line, Off::kHeeded);
  if (!loaded) return failing_policy(loaded.error());
  const std::string& log = loaded->policy.report.termination_log;
  if (loaded->checks_are_off) {
    base::print_notice("GPUINIT=off: nothing was checked");
    return kExitGood;
  }
  if (line.root == "/" && line.image_file.empty())  // what the command would be started with
    if (const auto filter = command_seccomp(*loaded); !filter)
      return failing_end(kExitPolicy, filter.error().message, log);
  auto request = image_request(invocation);
  if (!request) return usage_error(request.error());
  if (const auto failure = command_failure(line, *request); failure.exit_code != kExitGood)
    return failing_end(failure.exit_code, failure.message, log);
  auto assessment = assess::assess(*request, loaded->policy);
  if (!assessment) return usage_error(assessment.error());
  const int exit_code = assessment->verdict.exit_code;
  const bool json = line.format == Format::kJson;
  if (!json) print_verdict(line, *loaded, *assessment);
  leave_verdict(loaded->policy, *assessment);
  return json ? print_document(json_report(line, *loaded, *assessment), exit_code) : exit_code;
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
