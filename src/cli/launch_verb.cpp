// The verb without an option: asks the checks, then becomes or supervises the command.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "assess/assess.h"
#include "assess/exec_judge.h"
#include "base/environment_variables.h"
#include "base/gpu_device_path.h"
#include "base/helper_process.h"
#include "base/root_fs.h"
#include "base/script_text.h"
#include "base/standard_error.h"
#include "cli/command_seccomp.h"
#include "cli/failing_end.h"
#include "cli/print_verdict.h"
#include "cli/verb_support.h"
#include "facts/seal_file.h"
#include "gpuinit/exit_codes.h"
#include "launch/end_on_signal.h"
#include "launch/exec_command.h"
#include "launch/supervise.h"
#include "probe/cuda/cuda_probe.h"
#include "warmup/page_warmup.h"

namespace gpuinit::cli {

namespace {

// With GPUINIT=off a filter that cannot be made stops nothing. One that the files ask for does not
// go because of a setting.
std::optional<CommandSeccomp> filter_of_files(const CommandLine& line, const Error& problem) {
  const auto files = load_policy_files(line);
  auto made = files ? command_seccomp(*files) : files.error();
  const bool holds = made && *made;
  base::print_notice(std::string("GPUINIT=off, so ") +
                     (holds ? "the filter of the policy's files holds: "
                            : "the command starts without a filter: ") +
                     problem.message);
  return made ? std::move(made).value() : std::nullopt;
}

struct Approval {
  std::optional<int> exit_code;  // nullopt if the command may run
  std::optional<std::size_t> devices;
  probe::DriverKeepalive driver_keepalive;
  // What the command comes to is judged when it execs. Null: that is known, or not wanted.
  std::shared_ptr<assess::ExecJudge> judge;
};

// `supervised`: gpuinit stays. It can end a process that keeps the driver awake, and follow the
// command.
Approval ask_the_checks(const Invocation& invocation, const policy::LoadedPolicy& loaded,
                        bool supervised, warmup::PageWarmup& pages) {
  const Policy& policy = loaded.policy;
  const CommandLine& line = invocation.line;
  assess::AssessRequest request = assess_request(invocation);
  request.keep_driver_awake = supervised && base::room_for_spares(1) > 0;
  request.sys_path_is_known = [&](const auto& sys_path) { pages.sys_path_is_known(sys_path); };
  request.image_is_known = [&](const ImageFacts& image) { pages.image_is_known(image); };
  auto assessment = assess::assess(request, policy);
  Approval approval;
  if (!assessment) {
    approval.exit_code = usage_error(assessment.error());
    return approval;
  }
  if (assessment->verdict.word == Verdict::Word::kFail)
    approval.exit_code = assessment->verdict.exit_code;
  else approval.driver_keepalive = std::move(assessment->driver_keepalive);
  print_verdict(line, loaded, *assessment);
  leave_verdict(policy, *assessment);
  const auto& devices = assessment->facts.node.devices;
  if (devices.known()) approval.devices = devices->size();
  if (supervised && policy.launch.follow == Follow::kAuto &&
      assess::start_is_unclear(assessment->facts.image, policy))
    approval.judge = std::make_shared<assess::ExecJudge>(
        policy,
        assess::AskedNode{std::move(request.environment), std::move(assessment->facts.node)},
        [&line, loaded](const assess::Assessment& later) {
          print_verdict(line, loaded, later);
          leave_verdict(loaded.policy, later);
        });
  return approval;
}

constexpr std::array<std::string_view, 2> kEnginesNames{"docker-init", "podman-init"};

// The command has failed already, and its exit code is waited for.
constexpr std::chrono::milliseconds kLastQuestion{10'000};

// Every client of the driver opens one of these first; on Jetson the last.
bool has_control_device() {
  return ::access("/dev/nvidiactl", F_OK) == 0 || ::access(base::kWslDevice, F_OK) == 0 ||
         ::access("/dev/nvmap", F_OK) == 0;
}

std::string devices_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " device" : " devices");
}

launch::DriverAnswer ask_driver(std::chrono::milliseconds timeout, ProbeSandbox sandbox,
                                std::optional<std::size_t> devices_before) {
  if (!has_control_device()) return {};
  probe::CudaProbeOptions options;
  options.timeout = std::min(timeout, kLastQuestion);
  options.sandbox = sandbox;
  options.environment = base::environment_variables();
  const probe::CudaProbeAnswer result = probe::CudaProbe::start(options).collect();
  const ProbeRun& run = result.run;
  using Outcome = ProbeRun::Outcome;
  // A probe or a library that could not even be loaded says nothing about the driver.
  if (run.outcome == Outcome::kNotStarted || run.outcome == Outcome::kNoLoader) return {};
  if (run.load_error.known()) return {};
  // Nor one that was hindered.
  const bool hindered = !run.refused_calls.empty() || run.out_of_memory;
  if (hindered && !result.devices.known()) return {};
  if (run.outcome != Outcome::kAnswered) return {true, true, run.detail};
  if (result.devices.known()) {
    const std::size_t count = result.devices->size();
    if (count < devices_before.value_or(0))
      return {true, true, devices_text(count) + " of " + std::to_string(*devices_before)};
    return {true, false, devices_text(count)};
  }
  return {true, true, result.devices.reason()};
}

// True if the command is to be supervised: --supervise, the policy, or a name under which
// container engines run their init (docker's `--init` calls /sbin/docker-init, podman's
// /run/podman-init) and can give no options.
bool wants_supervision(const CommandLine& line, const Policy& policy, const char* program) {
  if (line.supervise || policy.launch.mode == LaunchMode::kSupervise) return true;
  const std::string_view path = program != nullptr ? program : "";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::find(kEnginesNames.begin(), kEnginesNames.end(), name) != kEnginesNames.end();
}

// `devices`: how many the driver had before the command; nullopt if it was not asked.
// `filter`: the command's own, or null; must outlive the options.
launch::SuperviseOptions supervise_options(const Policy& policy, std::optional<std::size_t> devices,
                                           const launch::CommandFilter* filter) {
  launch::SuperviseOptions options;
  options.filter = filter;
  options.signal_group = policy.launch.signal_target == SignalTarget::kGroup;
  options.signals = policy.launch.signals;
  options.grace = policy.launch.grace;
  options.parent_death_signal = policy.launch.parent_death_signal;
  options.exit_zero = policy.launch.exit_zero;
  options.postmortem = policy.launch.postmortem;
  options.postmortem_exit = policy.launch.postmortem_exit;
  options.tell_end = [log = policy.report.termination_log](int exit_code, std::string_view message,
                                                           bool command_ran) {
    if (command_ran) command_end(exit_code, message, log);
    else failing_end(exit_code, message, log);
  };
  if (policy.gpu.required != GpuRequired::kNo)
    options.ask_driver = [timeout = policy.probe.timeout, sandbox = policy.probe.sandbox, devices] {
      return ask_driver(timeout, sandbox, devices);
    };
  return options;
}

launch::Following following(const std::shared_ptr<assess::ExecJudge>& judge, const Policy& policy) {
  if (!judge) return {};
  return {[judge](pid_t pid) { return judge->at_exec(pid); },
          [judge](pid_t pid) { return judge->judge(pid); }, policy.launch.follow_timeout};
}

int become(const std::string& path, char* const* argv, const launch::InheritedState& inherited,
           const launch::CommandFilter* filter, const std::string& log) {
  // PID 1 would lose what arrives between unblocking and exec; exec takes the
  // handlers away by itself.
  const launch::EndOnSignal until_exec(inherited, launch::ending_signals());
  inherited.restore();
  launch::ExecFailure failure = launch::exec_command(path, argv, filter);
  launch::set_blocked(launch::blocked() | launch::only(SIGPIPE));  // of nobody reading this
  if (!failure.shell_runs_it) return failing_end(failure.exit_code, failure.message, log);
  base::print_notice(failure.message);
  inherited.restore();
  // The filter is installed already.
  failure = launch::exec_command(base::kShell, launch::words_for_shell(path, argv).data());
  return failing_end(failure.exit_code, failure.message, log);
}

// Of the seal; empty if it has none.
warmup::PageWarmup::Recording recording(const Policy& policy) {
  if (policy.warmup.pages == Pages::kOff || policy.image.seal.empty()) return {};
  const auto fs = base::RootFs::open("/");
  if (!fs) return {};
  auto file = fs->open_file(policy.image.seal);
  if (!file || !facts::has_recording(*file)) return {};
  return [seal = std::make_shared<base::FileSource>(std::move(file).value())] {
    return facts::read_sealed_recording(*seal);
  };
}

// The exit code; in exec mode it returns only if the command may not or cannot run.
int launch_command(const Invocation& invocation) {
  const CommandLine& line = invocation.line;
  const launch::InheritedState& inherited = invocation.inherited;
  char* const* const words = invocation.argv + line.command_index;
  launch::FoundCommand command;
  policy::LoadedPolicy in_force;
  const Policy& policy = in_force.policy;
  std::optional<CommandSeccomp> filter;
  Approval approval;
  bool supervise = false;
  {
    const launch::EndOnSignal while_nothing_runs(inherited, launch::kStopRequests);
    // First of all: a command that is not there needs neither driver nor verdict.
    command = launch::find_command(words[0]);
    if (command.path.empty())
      return failing_end(command.failure.exit_code, command.failure.message,
                         termination_log_of(line));
    auto loaded = load_policy(line, Off::kHeeded);
    if (!loaded) return failing_policy(loaded.error());
    const bool checks_are_off = loaded->checks_are_off;
    auto made = command_seccomp(*loaded);
    if (!made && !checks_are_off)
      return failing_end(kExitPolicy, made.error().message, loaded->policy.report.termination_log);
    filter = made ? std::move(made).value() : filter_of_files(line, made.error());
    in_force = std::move(loaded).value();
    supervise = wants_supervision(line, policy, invocation.argv[0]);
    if (!checks_are_off) {
      warmup::PageWarmup pages(policy, recording(policy), supervise ? "" : command.path,
                               base::print_notice);
      approval = ask_the_checks(invocation, in_force, supervise, pages);
      if (!approval.exit_code) pages.finish(/*goes_on=*/supervise);
    }
    if (approval.exit_code) return *approval.exit_code;
  }
  if (!supervise && base::helpers_are_left()) {
    base::print_notice(
        "the command is supervised, not executed in our place (launch.mode): SIGKILL has not "
        "ended a process of ours, which a driver or a disk holds");
    supervise = true;
  }
  const launch::CommandFilter* calls = filter ? &filter->compiled : nullptr;
  if (!supervise)
    return become(command.path, words, inherited, calls, policy.report.termination_log);
  launch::SuperviseOptions options = supervise_options(policy, approval.devices, calls);
  options.driver_keepalive = approval.driver_keepalive.release();
  options.keepalive_limit = policy.warmup.hold;
  options.following = following(approval.judge, policy);
  base::renew_stderr_patience();
  return launch::supervise(std::move(options), inherited, command.path, words);
}

}  // namespace

const Verb kLaunch{
    .command = Argument::kRequired,
    .takes = "--supervise",
    .handles_signals = true,
    .help = "Usage: gpuinit [OPTIONS] [--] COMMAND [ARG...]    check, then exec COMMAND\n",
    .run = launch_command,
};

}  // namespace gpuinit::cli
