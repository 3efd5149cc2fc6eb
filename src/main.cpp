// gpuinit: parse, judge, report, launch. Only this file ends the process.
#include <unistd.h>

#include <optional>
#include <string>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "checks/run_checks.h"
#include "command_filter.h"
#include "command_line.h"
#include "last_words.h"
#include "launch/end_on_signal.h"
#include "launch/inherited_state.h"
#include "launch_command.h"
#include "output.h"
#include "pipeline.h"
#include "policy/load_policy.h"
#include "record.h"
#include "report/explain.h"
#include "report/facts_json.h"
#include "request.h"
#include "seccomp/describe.h"
#include "tell_verdict.h"

namespace gpuinit {
namespace {

// Prints what was asked for on stdout. A report that could not be written must
// not look like a verdict.
int print(std::string_view text, int exit_code) {
  auto written = write_all(STDOUT_FILENO, text);
  if (written) return exit_code;
  complain(written.error().message);
  return kExitInternal;
}

std::string printed(const base::Json& json) { return base::print_json(json) + "\n"; }

int version() { return print("gpuinit " GPUINIT_VERSION "\n", kExitGood); }

int explain(const CommandLine& line) {
  const bool json = line.format == Format::kJson;
  if (line.explain_id == "exit-codes")
    return print(json ? printed(report::explain_exit_codes_json()) : report::explain_exit_codes(),
                 kExitGood);
  if (line.explain_id.empty())
    return print(json ? printed(report::explain_catalogue_json(checks::catalogue()))
                      : report::explain_catalogue(checks::catalogue()),
                 kExitGood);
  std::vector<std::string> ids{"exit-codes"};
  for (const auto& check : checks::catalogue()) {
    if (check.id == line.explain_id)
      return print(json ? printed(report::explain_check_json(check)) : report::explain_check(check),
                   kExitGood);
    ids.emplace_back(check.id);
  }
  const std::string near = base::nearest(line.explain_id, ids);
  return usage_error(Error{
      "there is no check `" + base::printable(line.explain_id) + "`" +
      (near.empty() ? "; `gpuinit --explain` lists them all" : "; did you mean " + near + "?")});
}

int print_policy(const CommandLine& line) {
  auto loaded = load_policy(line);
  if (!loaded) return policy_error(loaded.error());
  const auto filter = command_filter(*loaded);
  if (!filter) return policy_error(filter.error());
  if (line.format == Format::kText)
    return print(policy::print_policy(*loaded) + describe_command_filter(*filter), kExitGood);
  base::Json json = policy::policy_json(*loaded);
  if (*filter)
    std::get<base::JsonObject>(json.value)
        .emplace_back("seccomp", seccomp::filter_json((*filter)->filter));
  return print(printed(json), kExitGood);
}

int facts(const CommandLine& line, int argc, char** argv) {
  auto loaded = load_policy(line);
  if (!loaded) return policy_error(loaded.error());
  Question question = question_of(line, argc, argv);
  question.always_probe = true;
  Timings timings;
  auto facts = gather_facts(question, loaded->policy, timings);
  if (!facts) return usage_error(facts.error());
  return print(printed(report::facts_to_json(*facts)), kExitGood);
}

int check(const CommandLine& line, int argc, char** argv) {
  if (variable("GPUINIT") == "off") {
    complain("GPUINIT=off: nothing was checked");
    return kExitGood;
  }
  auto loaded = load_policy(line);
  if (!loaded) return policy_error(loaded.error());
  if (line.root == "/")  // what the command would be started with
    if (const auto filter = command_filter(*loaded); !filter) return policy_error(filter.error());
  auto judgement = judge(question_of(line, argc, argv), loaded->policy);
  if (!judgement) return usage_error(judgement.error());
  tell_kubernetes(line, loaded->policy, *judgement);
  const int exit_code = judgement->verdict.exit_code;
  if (line.format == Format::kJson) return print(json_report(*judgement), exit_code);
  tell_on_stderr(line, *judgement);
  return exit_code;
}

// What a later launch will read for its checks is recorded with the command. It reads the
// image only: the driver has nothing on disk that an image knows of.
int record_command(const CommandLine& line, int argc, char** argv,
                   const launch::InheritedState& inherited) {
  auto loaded = load_policy(line);
  if (!loaded) return policy_error(loaded.error());
  return record(line, argv, inherited, [&] {
    Policy policy = loaded->policy;
    policy.gpu_required = GpuRequired::kNo;
    policy.python_probe = PythonProbe::kOff;
    Timings timings;
    (void)gather_facts(question_of(line, argc, argv), policy, timings);
  });
}

int run(int argc, char** argv, const launch::InheritedState& inherited) {
  auto line = parse_command_line(argc, argv);
  if (!line) return usage_error(line.error());
  if (line->verbose) base::enable_verbose_log();
  if (line->verb == Verb::kLaunch) return launch_command(*line, argc, argv, inherited);
  if (line->verb == Verb::kRecord) return record_command(*line, argc, argv, inherited);
  // As PID 1 of an init container the kernel would not let SIGTERM end us.
  const launch::EndOnSignal anytime(inherited, launch::kStopRequests);
  inherited.restore_all_but_pipe();
  switch (line->verb) {
    case Verb::kHelp:
      return print(kHelp, kExitGood);
    case Verb::kVersion:
      return version();
    case Verb::kExplain:
      return explain(*line);
    case Verb::kPrintPolicy:
      return print_policy(*line);
    case Verb::kFacts:
      return facts(*line, argc, argv);
    case Verb::kCheck:
      return check(*line, argc, argv);
    case Verb::kLaunch:
    case Verb::kRecord:
      break;
  }
  return kExitInternal;
}

}  // namespace
}  // namespace gpuinit

int main(int argc, char** argv) {
  const gpuinit::launch::InheritedState inherited;
  gpuinit::install_last_words();
  return gpuinit::run(argc, argv, inherited);
}
