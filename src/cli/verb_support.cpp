#include "cli/verb_support.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/environment_variables.h"
#include "base/standard_error.h"
#include "base/text.h"
#include "base/write_all.h"
#include "checks/run_checks.h"
#include "cli/command_seccomp.h"
#include "cli/failing_end.h"
#include "gpuinit/exit_codes.h"
#include "gpuinit/schema.h"
#include "image/config/image_config.h"
#include "rules/version.h"

namespace gpuinit::cli {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

int usage_error(const Error& error) {
  // Of a container's own start. Somebody who tries options in one that runs leaves nothing.
  if (::getpid() == 1) failing_end(kExitUsage, error.message);
  else base::print_error(error.message, kExitUsage);
  if (!base::says_in_json()) base::write_stderr("Try `gpuinit --help`.\n");
  return kExitUsage;
}

int policy_error(const Error& error) {
  base::print_error(error.message, kExitPolicy);
  return kExitPolicy;
}

int policy_errors(const Error& error) {
  for (const auto problem : base::split_lines(error.message))
    base::print_error(problem, kExitPolicy);
  return kExitPolicy;
}

int print(std::string_view text, int exit_code) {
  auto written = base::write_all(STDOUT_FILENO, text, "writing the report");
  if (written) return exit_code;
  const int failed = exit_code_of(written.error());
  base::print_error(written.error().message, failed);
  return failed;
}

int exit_code_of(const Error& error) {
  switch (error.code) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case ESTALE:
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return kExitNotReady;
    default:
      return kExitUsage;
  }
}

int print_json(const base::Json& json, int exit_code) {
  return print(base::print_json(json) + "\n", exit_code);
}

int print_document(base::JsonObject members, int exit_code) {
  members.insert(members.begin(), {"schema", kReportSchema});
  return print_json(std::move(members), exit_code);
}

namespace {

policy::PolicySources policy_files(const CommandLine& line) {
  policy::PolicySources sources;
  sources.files = line.policy_files;
  sources.files_named_by = "--policy";
  if (std::string file = variable("GPUINIT_POLICY"); sources.files.empty() && !file.empty()) {
    sources.files.push_back(std::move(file));
    sources.files_named_by = "GPUINIT_POLICY";
  }
  sources.checks = checks::catalogue;
  sources.problems.version_range = [](const std::string& range) {
    auto parsed = rules::parse_version_range(range);
    return parsed ? std::string() : parsed.error().message;
  };
  sources.problems.system_call = call_problem;
  return sources;
}

// What GPUINIT says: on, off, or neither, which checks nothing less.
enum class Switch { kOn, kOff, kUnclear };

Switch gpuinit_switch() {
  const std::string word = base::lower(variable("GPUINIT"));
  for (const char* off : {"off", "no", "false", "0"})
    if (word == off) return Switch::kOff;
  for (const char* on : {"", "on", "yes", "true", "1"})
    if (word == on) return Switch::kOn;
  return Switch::kUnclear;
}

policy::PolicySources policy_sources(const CommandLine& line, Off off) {
  policy::PolicySources sources = policy_files(line);
  sources.environment_set = variable("GPUINIT_SET");
  sources.set_options = line.set;
  sources.off = off == Off::kHeeded && gpuinit_switch() == Switch::kOff;
  return sources;
}

}  // namespace

std::string termination_log_of(const CommandLine& line) {
  const auto loaded = policy::load_policy(policy_sources(line, Off::kHeeded));
  return loaded ? loaded->policy.report.termination_log : Policy::Report{}.termination_log;
}

Result<policy::LoadedPolicy> load_policy(const CommandLine& line, Off off) {
  if (off == Off::kHeeded && gpuinit_switch() == Switch::kUnclear)
    base::print_notice("GPUINIT=" + variable("GPUINIT") + ": expected on or off; the checks run");
  auto loaded = policy::load_policy(policy_sources(line, off));
  if (!loaded) return loaded;
  for (const std::string& problem : loaded->left_out)
    base::print_notice("GPUINIT=off, so this does not stop the launch: " + problem);
  if (const std::string refused = policy::refusal(*loaded); !refused.empty())
    base::print_notice(refused);
  return loaded;
}

Result<policy::LoadedPolicy> load_policy_files(const CommandLine& line) {
  policy::PolicySources sources = policy_files(line);
  sources.off = true;
  return policy::load_policy(sources);
}

assess::AssessRequest assess_request(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  assess::AssessRequest request;
  request.command.assign(invocation.argv + line.command_index, invocation.argv + invocation.argc);
  request.environment = base::environment_variables();
  request.root = line.root;
  request.node_file = line.node_file;
  request.image_file = line.image_file;
  if (!line.quiet) request.on_progress = base::print_progress;
  return request;
}

namespace {

// What the image says of its own start, in place of what this process has. A COMMAND that is given
// stands behind the entry point in place of the image's, as with `docker run IMAGE COMMAND`.
Status apply_image_config(const std::string& file, assess::AssessRequest& request) {
  auto config = image::read_image_config(file);
  if (!config) return std::move(config).error().context("--image-config");
  auto root = base::RootFs::open(request.root);
  if (!root) return std::move(root).error().context("--root");
  const auto& words = request.command.empty() ? config->command : request.command;
  config->entrypoint.insert(config->entrypoint.end(), words.begin(), words.end());
  request.command = std::move(config->entrypoint);
  request.uid = image::user_of(*root, *config);
  request.environment = std::move(config->environment);
  request.environment_of_image = true;
  request.working_directory = std::move(config->working_directory);
  return Done{};
}

}  // namespace

Result<assess::AssessRequest> image_request(const Invocation& invocation) {
  assess::AssessRequest request = assess_request(invocation);
  const std::string& file = invocation.line.image_config;
  if (!file.empty())
    if (Status applied = apply_image_config(file, request); !applied)
      return std::move(applied).error();
  return request;
}

}  // namespace gpuinit::cli
