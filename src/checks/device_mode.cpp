// device.mode: a GPU is in a mode in which this job cannot use it.
#include <algorithm>

#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/finding_builder.h"
#include "rules/cuda_error.h"
#include "rules/device_name.h"

namespace gpuinit::checks {

namespace {

constexpr int kNotInitialized = 3;
constexpr int kDeviceUnavailable = 46;

// What points to MIG mode: an instance was asked for, or a GPU that has that mode.
std::string sign_of_mig(const Context& context) {
  for (const char* name : {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"})
    if (const auto value = context.variable(name);
        value && value->find("MIG-") != std::string::npos)
      return std::string(name) + "=" + *value;
  if (context.node.kernel_gpus)
    for (const KernelGpu& gpu : *context.node.kernel_gpus)
      if (gpu.name && rules::can_be_split(*gpu.name)) return *gpu.name;
  return "";
}

Finding no_instance(const Context& context, const std::string& sign) {
  Finding finding =
      failure(kExitNode, "the driver does not start, as on a GPU in MIG mode without an instance");
  add_evidence(finding, "cuInit", rules::cuda_error_words(kNotInitialized));
  add_evidence(finding, "sign of MIG", sign);
  add_driver(finding, context.node.driver);
  add_variables(finding, context, {"NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"});
  finding.why =
      "A GPU in MIG mode can be used through its instances only. If none was created, or none was "
      "given to this container, torch says \"initialization error\".";
  finding.fix =
      "Look at `nvidia-smi -L` on the node: create GPU and compute instances there (nvidia-smi "
      "mig), give the container one of them, or switch MIG mode off.";
  return finding;
}

struct Modes {
  std::vector<std::size_t> prohibited;
  bool prohibited_tried = false;  // and the driver refused at least one of them
  std::vector<std::size_t> held;  // exclusive, and another process has it
};

Modes modes_of(const std::vector<Device>& devices) {
  Modes modes;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    const std::string mode = device.compute_mode.value_or("");
    const bool refused = device.context && device.context->cuda_error == kDeviceUnavailable;
    const bool worked = device.context && device.context->cuda_error == 0;
    if (mode == "prohibited" && !worked) {
      modes.prohibited.push_back(i);
      modes.prohibited_tried |= refused;
    }
    if (mode.starts_with("exclusive") && refused) modes.held.push_back(i);
  }
  return modes;
}

Findings run(const Context& context) {
  if (!context.sees_devices())
    if (auto skip = context.skip_if_failed("cuda.capabilities cuda.compat cuda.libcuda cuda.driver "
                                           "cuda.visible-devices device.permissions"))
      return skip;
  if (context.init_error() == kNotInitialized) {
    const std::string sign = sign_of_mig(context);
    return sign.empty() ? Findings{} : Findings{no_instance(context, sign)};
  }
  if (!context.sees_devices()) return {};

  const auto& devices = *context.node.devices;
  const Modes modes = modes_of(devices);
  Findings findings;
  if (!modes.prohibited.empty()) {
    const std::string summary = gpus(modes.prohibited) +
                                (modes.prohibited.size() == 1 ? " is" : " are") +
                                " in compute mode prohibited";
    // One idle GPU among others may well not be the command's.
    Finding finding = modes.prohibited_tried || modes.prohibited.size() == devices.size()
                          ? failure(kExitNode, summary)
                          : warning(summary);
    add_devices(finding, devices, modes.prohibited, words_with_mode);
    finding.why =
        "No process may make a context on it: \"CUDA-capable device(s) is/are busy or "
        "unavailable\" (error 46).";
    finding.fix =
        "Set it back on the node (`nvidia-smi -c DEFAULT`), or leave the GPU out of "
        "CUDA_VISIBLE_DEVICES.";
    findings.push_back(std::move(finding));
  }
  if (!modes.held.empty()) {
    Finding finding =
        failure(kExitNotReady, gpus(modes.held) + (modes.held.size() == 1 ? " is" : " are") +
                                   " in an exclusive compute mode, and another process has it");
    add_devices(finding, devices, modes.held, words_with_mode);
    finding.why =
        "In that mode a GPU serves one process at a time: \"CUDA-capable device(s) is/are busy or "
        "unavailable\" (error 46) until the other one ends.";
    finding.fix =
        "Wait for the other process (nvidia-smi on the node shows it), share the GPU through MPS, "
        "or set the mode back (`nvidia-smi -c DEFAULT`).";
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

extern constexpr Check kDeviceMode{
    .id = "device.mode",
    .exit_codes = "69 or 75",
    .needs_gpu = true,
    .title = "a GPU is in a mode in which this job cannot use it",
    .looks_at =
        "The compute mode of every visible GPU and what became of a context on it: prohibited "
        "(69), or exclusive with error 46, so that another process has it (75). cuInit's error 3, "
        "where a MIG instance was asked for or the kernel driver lists a GPU that can be split: "
        "MIG mode without an instance (69). A GPU that works passes in any mode.",
    .why =
        "\"CUDA-capable device(s) is/are busy or unavailable\" (46), \"initialization error\" (3): "
        "the command finds out minutes later.",
    .fix =
        "Set the compute mode back on the node (`nvidia-smi -c DEFAULT`), or wait for the process "
        "that has the GPU. Create MIG instances and give the container one, or switch MIG mode "
        "off.",
    .source = "CUDA driver API, CUcomputemode; NVIDIA Multi-Instance GPU User Guide",
    .run = run,
};

}  // namespace gpuinit::checks
