// gpuinit: parse, judge, report, launch. Only this file ends the process.
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "checks/run_checks.h"
#include "command_filter.h"
#include "command_line.h"
#include "environment.h"
#include "last_words.h"
#include "launch/end_on_signal.h"
#include "launch/exec_command.h"
#include "launch/inherited_state.h"
#include "launch_options.h"
#include "output.h"
#include "page_warmup.h"
#include "pipeline.h"
#include "policy/load_policy.h"
#include "record.h"
#include "report/explain.h"
#include "report/facts_json.h"
#include "report/layout.h"
#include "report/report_json.h"
#include "report/report_text.h"
#include "report/termination_log.h"
#include "rules/version.h"
#include "seccomp/describe.h"

namespace gpuinit {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Prints what was asked for on stdout. A report that could not be written must
// not look like a verdict.
int print(std::string_view text, int exit_code) {
  auto written = write_all(STDOUT_FILENO, text);
  if (written) return exit_code;
  complain(written.error().message);
  return kExitInternal;
}

std::string printed(const base::Json& json) { return base::print_json(json) + "\n"; }

int usage_error(const Error& error) {
  complain(error.message + "\nTry `gpuinit --help`.");
  return kExitUsage;
}

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

int policy_error(const Error& error) {
  complain(error.message);
  return kExitPolicy;
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

std::string text_report(const CommandLine& line, const Judgement& judgement, bool colour) {
  return report::report_text(
      {.verdict = judgement.verdict,
       .findings = judgement.findings,
       .facts = judgement.facts,
       .timings = judgement.timings,
       .options = {.colour = colour, .verbose = line.verbose, .quiet = line.quiet}});
}

std::string json_report(const Judgement& judgement) {
  return report::report_json(judgement.verdict, judgement.findings, judgement.facts,
                             judgement.timings);
}

void tell_on_stderr(const CommandLine& line, const Judgement& judgement) {
  const bool colour = report::should_colour(STDERR_FILENO, environment_variables());
  tell(line.format == Format::kJson ? json_report(judgement)
                                    : text_report(line, judgement, colour));
}

void tell_kubernetes(const CommandLine& line, const Policy& policy, const Judgement& judgement) {
  if (policy.termination_log.empty() || judgement.verdict.word != Verdict::Word::kFail) return;
  const Status written = report::write_termination_log(
      policy.termination_log, text_report(line, judgement, /*colour=*/false));
  if (!written) base::log_verbose("termination log: " + written.error().message);
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

// GPUINIT=off: no policy may stop the launch. What it says about the launch itself
// still holds if it can be read.
Result<policy::LoadedPolicy> policy_of_launch(const CommandLine& line, bool checks_are_off) {
  auto loaded = load_policy(line);
  if (loaded || !checks_are_off) return loaded;
  complain("GPUINIT=off, so this is no obstacle: " + loaded.error().message);
  return policy::LoadedPolicy{};
}

struct Approval {
  std::optional<int> exit_code;  // none: the command may run
  std::optional<std::size_t> devices;
  probe::OpenClient driver_client;
};

// `hold_driver`: somebody will be there to end who keeps it awake.
Approval ask_the_checks(const CommandLine& line, const Policy& policy, bool hold_driver,
                        PageWarmup& pages, int argc, char** argv) {
  Question question = question_of(line, argc, argv);
  question.hold_driver = hold_driver;
  question.sys_path_is_known = [&](const auto& sys_path) { pages.sys_path_is_known(sys_path); };
  question.image_is_known = [&](const ImageFacts& image) { pages.image_is_known(image); };
  auto judgement = judge(question, policy);
  Approval approval;
  if (!judgement) {
    approval.exit_code = usage_error(judgement.error());
    return approval;
  }
  if (judgement->verdict.word == Verdict::Word::kFail)
    approval.exit_code = judgement->verdict.exit_code;
  else approval.driver_client = std::move(judgement->driver_client);
  tell_on_stderr(line, *judgement);
  tell_kubernetes(line, policy, *judgement);
  const auto& devices = judgement->facts.node.devices;
  if (devices.known()) approval.devices = devices->size();
  return approval;
}

int become(const std::string& path, char* const* argv, const launch::InheritedState& inherited,
           const launch::CallFilter* filter) {
  // PID 1 would lose what arrives between unblocking and exec; exec takes the
  // handlers away by itself.
  const launch::EndOnSignal until_exec(inherited, launch::ending_signals());
  inherited.restore();
  const launch::ExecFailure failure = launch::exec_command(path, argv, filter);
  complain(failure.message);
  return failure.exit_code;
}

int launch_command(const CommandLine& line, int argc, char** argv,
                   const launch::InheritedState& inherited) {
  launch::FoundCommand command;
  Policy policy;
  std::optional<CommandFilter> filter;
  Approval approval;
  bool supervise = false;
  {
    const launch::EndOnSignal while_nothing_runs(inherited, launch::kStopRequests);
    // First of all: a command that is not there needs neither driver nor verdict.
    command = launch::find_command(argv[line.command_index]);
    if (command.path.empty()) {
      complain(command.failure.message);
      return command.failure.exit_code;
    }
    const bool checks_are_off = variable("GPUINIT") == "off";
    auto loaded = policy_of_launch(line, checks_are_off);
    if (!loaded) return policy_error(loaded.error());
    auto made = command_filter(*loaded);
    if (!made && !checks_are_off) return policy_error(made.error());
    if (made) filter = std::move(made).value();
    else complain("GPUINIT=off, so the command starts without a filter: " + made.error().message);
    policy = std::move(loaded->policy);
    supervise = wants_supervision(line, policy, argv[0]);
    if (!checks_are_off) {
      PageWarmup pages(policy);
      approval = ask_the_checks(line, policy, supervise, pages, argc, argv);
      if (!approval.exit_code) pages.finish(/*goes_on=*/supervise);
    }
    if (approval.exit_code) return *approval.exit_code;
  }
  char* const* words = argv + line.command_index;
  const launch::CallFilter* calls = filter ? &filter->compiled : nullptr;
  if (!supervise) return become(command.path, words, inherited, calls);
  launch::SuperviseOptions options = supervise_options(policy, approval.devices, calls);
  options.hold = {approval.driver_client.release(), policy.warmup_hold};
  return launch::supervise(options, inherited, command.path, words);
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
