#include "launch_command.h"

#include <optional>
#include <string>

#include "command_filter.h"
#include "gpuinit/exit_codes.h"
#include "launch/end_on_signal.h"
#include "launch/exec_command.h"
#include "launch/supervise.h"
#include "launch_options.h"
#include "output.h"
#include "page_warmup.h"
#include "pipeline.h"
#include "request.h"
#include "tell_verdict.h"

namespace gpuinit {

namespace {

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

}  // namespace

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

}  // namespace gpuinit
