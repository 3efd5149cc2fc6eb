// device.context: on every device a context was made, and a kernel's result was right.
#include <algorithm>
#include <utility>

#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/finding_builder.h"
#include "rules/cuda_error.h"

namespace gpuinit::checks {

namespace {

using Outcome = ProbeRun::Outcome;
constexpr int kDeviceUnavailable = 46;

bool is_good(const ContextTrial& trial) { return trial.cuda_error == 0 && trial.result_correct; }

// Devices whose trial went wrong in the same way.
struct Trouble {
  ContextTrial trial;
  std::vector<std::size_t> devices;
};

// `mode_was_judged`: what follows from a GPU's compute mode has been reported.
std::vector<Trouble> troubles_of(const std::vector<Device>& devices, bool mode_was_judged) {
  std::vector<Trouble> troubles;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!devices[i].context || is_good(*devices[i].context)) continue;
    const ContextTrial& trial = *devices[i].context;
    if (mode_was_judged && trial.cuda_error == kDeviceUnavailable &&
        devices[i].compute_mode.value_or("default") != "default")
      continue;
    const auto same = std::find_if(troubles.begin(), troubles.end(), [&](const Trouble& trouble) {
      return trouble.trial.cuda_error == trial.cuda_error && trouble.trial.step == trial.step;
    });
    if (same != troubles.end()) same->devices.push_back(i);
    else troubles.push_back({trial, {i}});
  }
  return troubles;
}

Finding failed_call(const std::vector<Device>& devices, const Trouble& trouble) {
  const auto* known = rules::find_cuda_error(trouble.trial.cuda_error);
  Finding finding = failure(known != nullptr ? known->exit_code : static_cast<int>(kExitNode),
                            gpus(trouble.devices) + ": " + trouble.trial.step + " says " +
                                rules::cuda_error_words(trouble.trial.cuda_error));
  add_devices(finding, devices, trouble.devices, words_with_mode);
  if (!trouble.trial.note.empty()) add_evidence(finding, "note", trouble.trial.note);
  finding.why = "The command would meet the same error at its first use of the GPU.";
  if (known != nullptr) finding.why.append(" ").append(known->cause);
  finding.fix = known != nullptr ? std::string(known->fix)
                                 : "Try another node, and look at this node's kernel log.";
  return finding;
}

Finding wrong_result(const std::vector<Device>& devices, const Trouble& trouble) {
  Finding finding = failure(
      kExitNode, gpus(trouble.devices) + (trouble.trial.kernel_ran
                                              ? ": a test kernel ran and its result was wrong"
                                              : ": memory read back is not what was written"));
  add_devices(finding, devices, trouble.devices, words_with_mode);
  if (!trouble.trial.note.empty()) add_evidence(finding, "note", trouble.trial.note);
  finding.why =
      "The GPU computes without an error and gives wrong numbers: training would diverge without "
      "anybody knowing why.";
  finding.fix = "Do not use this GPU: drain the node and have it examined.";
  return finding;
}

bool ended_badly(const ProbeRun& run) {
  return run.outcome == Outcome::kTimedOut || run.outcome == Outcome::kCrashed ||
         run.outcome == Outcome::kExited;
}

// The devices whose trial was not finished, those with the same reason together.
void add_untried(Finding& finding, const std::vector<Device>& devices) {
  std::vector<std::pair<std::string, std::vector<std::size_t>>> groups;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (devices[i].context) continue;
    const std::string& reason = devices[i].context.reason();
    const auto same = std::find_if(groups.begin(), groups.end(),
                                   [&](const auto& group) { return group.first == reason; });
    if (same != groups.end()) same->second.push_back(i);
    else groups.push_back({reason, {i}});
  }
  for (const auto& [reason, indices] : groups)
    add_evidence(finding, "gpus-not-tried", gpus(indices), reason);
  std::vector<std::size_t> untried;
  for (const auto& group : groups)
    untried.insert(untried.end(), group.second.begin(), group.second.end());
  std::sort(untried.begin(), untried.end());
  add_devices(finding, devices, untried, words_with_mode);
}

// The devices were listed, and the process ended or hung later on.
Finding ended_in_trial(const ProbeRun& run, const std::vector<Device>& devices) {
  const bool timed_out = run.outcome == Outcome::kTimedOut;
  Finding finding = failure(timed_out ? kExitNotReady : kExitNode,
                            timed_out ? "a GPU did not answer in time: it hangs in " + run.last_step
                                      : "trying the GPUs ended the process in " + run.last_step);
  add_evidence(finding, "probe", run.detail);
  add_untried(finding, devices);
  finding.why = timed_out
                    ? "The number is the GPU's. The command would hang in the same call, forever."
                    : "The number is the GPU's; where several were tried at the same time, it was "
                      "one of them. The command would end in the same call.";
  finding.fix = timed_out ? "Try again, or raise warmup.timeout (one GPU) and probe.timeout (all "
                            "together) if making a context is known to be slow here; if it stays, "
                            "drain the node and reset that GPU."
                          : "Try another node; look at this node's kernel log for Xid messages.";
  return finding;
}

Findings run(const Context& context) {
  if (auto skip = context.skip_without_devices()) return skip;
  if (!context.node.devices)
    return unknown("the devices are not known", context.node.devices.reason());
  const auto& devices = *context.node.devices;
  if (devices.empty()) return skipped("there is no device");

  Findings findings;
  const bool mode_was_judged = context.suppressed_by("device.mode");
  for (const Trouble& trouble : troubles_of(devices, mode_was_judged))
    findings.push_back(trouble.trial.cuda_error != 0 ? failed_call(devices, trouble)
                                                     : wrong_result(devices, trouble));
  const auto untried = std::find_if(devices.begin(), devices.end(),
                                    [](const Device& device) { return !device.context; });
  const auto& run = context.node.probe;
  if (context.outcome_reflects_driver() && ended_badly(*run)) {
    Finding finding = ended_in_trial(*run, devices);
    // With every trial done it hung or crashed while cleaning up: odd, no obstacle.
    if (untried == devices.end()) finding.severity = Severity::kWarn;
    findings.push_back(std::move(finding));
  } else if (findings.empty() && untried != devices.end()) {
    if (!context.policy.warmup.context) return skipped("warmup.context of the policy is off");
    return unknown("no kernel was tried", untried->context.reason());
  }
  return findings;
}

}  // namespace

extern constexpr Check kDeviceContext{
    .id = "device.context",
    .exit_codes = "69 or 75",
    .needs_gpu = true,
    .title = "a GPU could not make a context, or computed a wrong result",
    .looks_at =
        "A child process makes a context on every visible GPU, on all at the same time, runs one "
        "tiny kernel and reads its result back, within warmup.timeout for each. Switched off with "
        "warmup.context = false. Where the driver reports an error its own class counts; 75 if the "
        "GPU is busy, out of memory or hangs.",
    .why =
        "A GPU that enumerates can still be held by another process (46), damaged (ECC error 214), "
        "hung, or wrong. The command finds out minutes later, or never.",
    .fix =
        "Busy: wait for the other process (wait.for = [\"busy\"] does), or set the compute mode "
        "back to default. Errors, hangs and wrong results: drain the node, look at its kernel log "
        "for Xid messages, reset the GPU.",
    .source = "cuda.h, enum cudaError_enum; NVIDIA \"XID Errors\"",
    .run = run,
};

}  // namespace gpuinit::checks
