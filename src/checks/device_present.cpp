// device.present: GPUs are visible, and as many as the policy wants.
#include "checks/check.h"
#include "checks/device_files.h"
#include "checks/device_groups.h"
#include "checks/finding_builder.h"
#include "rules/cuda_error.h"
#include "rules/version.h"

namespace gpuinit::checks {

namespace {

using Outcome = ProbeRun::Outcome;
constexpr int kNoDevice = 100;

// Where a variable alone explains that nothing is there. (CUDA_VISIBLE_DEVICES has a check
// of its own.) Not "void": CDI sets that beside the GPUs that it gives.
std::string hidden_by(const Context& context) {
  const auto value = context.variable("NVIDIA_VISIBLE_DEVICES");
  if (value && (*value == "none" || value->empty()))
    return "NVIDIA_VISIBLE_DEVICES=" + *value + " asks the NVIDIA runtime for no GPU";
  return "";
}

Finding no_device(const Context& context) {
  const std::string hidden = hidden_by(context);
  const auto& node = context.node;
  const bool gpu_nodes = gpu_files(node) > 0;

  std::string summary = "the driver sees no GPU in this container";
  if (!hidden.empty()) summary += ": " + hidden;
  else if (node.driver.kernel_version.is_absent()) summary += ": no NVIDIA kernel driver is loaded";
  else if (node.device_nodes.known() && !gpu_nodes)
    summary += ": there is no /dev/nvidia0 and no other GPU";
  Finding finding = failure(kExitNode, std::move(summary));
  finding.needs = context.policy.gpu.count;
  finding.has = "0";
  add_device_evidence(finding, context);
  finding.why =
      "torch would say \"No CUDA GPUs are available\" (error 100: no CUDA-capable device is "
      "detected).";
  if (context.variable("CUDA_VISIBLE_DEVICES") && gpu_nodes)
    finding.fix = std::string(
                      "See that CUDA_VISIBLE_DEVICES names GPUs that are there; reading it stops "
                      "at the first that is not. Else give the container a GPU: ") +
                  kGiveGpu;
  else finding.fix = std::string("Give the container a GPU: ") + kGiveGpu;
  return finding;
}

Finding init_failed(const Context& context, int error) {
  const auto* known = rules::find_cuda_error(error);
  Finding finding =
      failure(known != nullptr ? known->exit_code : static_cast<int>(kExitNode),
              "the driver does not start: cuInit says " + rules::cuda_error_words(error));
  add_device_evidence(finding, context);
  finding.why = "The command's own cuInit would say the same.";
  if (known != nullptr) finding.why.append(" ").append(known->cause);
  finding.fix = known != nullptr ? std::string(known->fix)
                                 : "Look the number up among cudaError_enum in the CUDA driver "
                                   "API, and at the kernel log of the node.";
  return finding;
}

// The probe ended before it could list the devices.
Finding probe_ended(const Context& context, const ProbeRun& run) {
  const bool timed_out = run.outcome == Outcome::kTimedOut;
  const std::string step = run.last_step.empty() ? "before its first call" : "in " + run.last_step;
  Finding finding =
      failure(timed_out ? kExitNotReady : kExitNode,
              timed_out ? "the driver did not answer within the probe's time: it hangs " + step
                        : "asking the driver ended the process " + step);
  add_evidence(finding, "probe", run.detail);
  add_device_evidence(finding, context);
  finding.why = timed_out ? "The command would hang in the same call, with the GPU reserved."
                          : "The command makes the same call and would end there too.";
  finding.fix =
      timed_out
          ? "Try again, or raise probe.timeout if this node is known to be slow; if it stays, the "
            "driver or a GPU hangs: drain the node and restart it."
          : "Try another node; look at this node's kernel log for Xid messages and restart its "
            "driver. If every node does this, look at LD_PRELOAD and at the image's libcuda.";
  return finding;
}

Findings wrong_count(const Context& context, std::size_t count) {
  const auto range = rules::parse_version_range(context.policy.gpu.count);
  if (!range) return failure(kExitPolicy, "gpu.count of the policy: " + range.error().message);
  if (context.wants(count)) return {};
  Finding finding = failure(kExitNode, std::to_string(count) +
                                           (count == 1 ? " GPU is visible" : " GPUs are visible") +
                                           ", and the policy wants " + context.policy.gpu.count);
  finding.needs = context.policy.gpu.count;
  finding.has = std::to_string(count);
  if (context.node.devices) {
    std::vector<std::string> names;
    for (const Device& device : *context.node.devices) names.push_back(device_words(device));
    add_evidence(finding, "devices", counted(names));
  }
  add_device_evidence(finding, context);
  finding.why =
      "A job that is laid out for another number of GPUs fails with \"invalid device ordinal\", or "
      "leaves some idle.";
  finding.fix =
      "Ask for that many GPUs and look at CUDA_VISIBLE_DEVICES; if they were asked for, a GPU has "
      "dropped off the bus: try another node.";
  return finding;
}

// The driver could not be asked: what the files alone say.
Findings judge_nodes_only(const Context& context) {
  const NodeFacts& node = context.node;
  const std::string& why = node.devices.reason();
  if (!node.device_nodes) return unknown("cannot tell which GPUs are there", why);

  const std::size_t gpus = gpu_files(node);
  if (gpus == 0) {
    // Jetson and WSL have other nodes, and then no certain word on the kernel driver.
    if (node.driver.kernel_version.is_unknown())
      return unknown("cannot tell which GPUs are there", why);
    return no_device(context);
  }
  return unknown("device nodes of " + std::to_string(gpus) + (gpus == 1 ? " GPU" : " GPUs") +
                     " are there, but the driver was not asked",
                 why);
}

Findings run(const Context& context) {
  const NodeFacts& node = context.node;
  const auto init = context.init_error();
  // A policy may be content with no GPU (gpu.count = ">=0").
  if (context.sees_no_device() && context.wants(0)) return {};
  if (init && *init != 0) {
    if (auto skip = context.skip_if_failed("cuda.driver device.mode")) return skip;
    return *init == kNoDevice ? no_device(context) : init_failed(context, *init);
  }
  if (node.devices) {
    if (!node.devices->empty()) return wrong_count(context, node.devices->size());
    return no_device(context);
  }
  if (context.outcome_reflects_driver()) {
    const Outcome outcome = node.probe->outcome;
    const bool reached_the_driver = !node.probe->last_step.empty();
    if (outcome == Outcome::kTimedOut) return probe_ended(context, *node.probe);
    // Ended before its first call, it says nothing about the driver.
    if (reached_the_driver && (outcome == Outcome::kCrashed || outcome == Outcome::kExited))
      return probe_ended(context, *node.probe);
  }
  return judge_nodes_only(context);
}

}  // namespace

extern constexpr Check kDevicePresent{
    .id = "device.present",
    .exit_codes = "69, 75 or 77",
    .needs_gpu = true,
    .suppressed_by =
        "cuda.capabilities cuda.compat cuda.libcuda cuda.visible-devices device.permissions",
    .title = "no GPU is visible, or too few are",
    .looks_at =
        "What the driver enumerates in a child process under this environment, the errno of "
        "opening /dev/nvidia*, CUDA_VISIBLE_DEVICES and NVIDIA_VISIBLE_DEVICES, and gpu.count of "
        "the policy. 77: a device node may not be opened. 75: the driver is not ready, busy or "
        "does not answer within probe.timeout. 69: everything else.",
    .why =
        "\"No CUDA GPUs are available\", \"no CUDA-capable device is detected\" (100), \"invalid "
        "device ordinal\" (101), \"Failed to initialize NVML: Unknown Error\", or a call that "
        "never returns while the GPU is reserved and paid for.",
    .fix =
        "Give the container its GPUs and look at CUDA_VISIBLE_DEVICES. For 77 start a new "
        "container with the devices allowed. For 75 try again; on NVSwitch machines look at the "
        "fabric manager. A GPU that hangs or vanished needs another node.",
    .source = "cuda.h, enum cudaError_enum; NVIDIA Container Toolkit documentation",
    .run = run,
};

}  // namespace gpuinit::checks
