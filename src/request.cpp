#include "request.h"

#include <cstdlib>

#include "command_filter.h"
#include "environment.h"
#include "gpuinit/exit_codes.h"
#include "output.h"
#include "rules/version.h"

namespace gpuinit {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

int usage_error(const Error& error) {
  complain(error.message + "\nTry `gpuinit --help`.");
  return kExitUsage;
}

int policy_error(const Error& error) {
  complain(error.message);
  return kExitPolicy;
}

Result<policy::LoadedPolicy> load_policy(const CommandLine& line) {
  policy::PolicySources sources;
  sources.file = line.policy_file;
  sources.file_named_by = "--policy";
  if (sources.file.empty()) {
    sources.file = variable("GPUINIT_POLICY");
    sources.file_named_by = "GPUINIT_POLICY";
  }
  sources.environment_set = variable("GPUINIT_SET");
  sources.set_options = line.set;
  sources.range_problem = [](const std::string& range) {
    auto parsed = rules::parse_version_range(range);
    return parsed ? std::string() : parsed.error().message;
  };
  sources.call_problem = call_problem;
  return policy::load_policy(sources);
}

Question question_of(const CommandLine& line, int argc, char** argv) {
  Question question;
  question.command.assign(argv + line.command_index, argv + argc);
  question.environment = environment_variables();
  question.root = line.root;
  question.node_file = line.node_file;
  // Whoever reads JSON from standard error reads nothing else there.
  const bool json_on_stderr = line.verb == Verb::kLaunch && line.format == Format::kJson;
  if (!line.quiet && !json_on_stderr) question.say = complain;
  return question;
}

}  // namespace gpuinit
