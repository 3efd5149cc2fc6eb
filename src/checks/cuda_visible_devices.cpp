// cuda.visible-devices: CUDA_VISIBLE_DEVICES names GPUs that are not there, or is cut short.
//
// The driver's own answer decides. Without one, the files show how many GPUs this container may
// open and what their UUIDs are.
#include <algorithm>

#include "base/text.h"
#include "checks/check.h"
#include "checks/device_files.h"
#include "checks/finding_builder.h"
#include "rules/visible_devices.h"

namespace gpuinit::checks {

namespace {

using rules::KnownGpus;
using rules::VisibleDevices;
using Kind = rules::VisibleEntry::Kind;

constexpr const char* kName = "CUDA_VISIBLE_DEVICES";

// The node has no GPU that could be hidden: then the variable is not the cause.
bool no_gpu_at_all(const NodeFacts& node) {
  return node.device_nodes && !node.driver.kernel_version.is_unknown() && gpu_files(node) == 0;
}

// The GPUs without the variable. Under MPS the server has a numbering of its own; files that may
// not be opened are left to device.permissions.
KnownGpus known_gpus(const Context& context) {
  const NodeFacts& node = context.node;
  KnownGpus known;
  const auto open = open_gpus(node);
  if (open.empty() || !denied_nodes(node).empty() || context.variable("CUDA_MPS_PIPE_DIRECTORY"))
    return known;
  known.count = open.size();
  if (!node.kernel_gpus) return known;
  for (const KernelGpu& gpu : *node.kernel_gpus) {
    if (!gpu.minor) continue;
    const std::string path = "/dev/nvidia" + std::to_string(*gpu.minor);
    if (gpu.uuid && std::find(open.begin(), open.end(), path) != open.end())
      known.uuids.push_back(*gpu.uuid);
  }
  if (known.uuids.size() != open.size()) known.uuids.clear();  // not all are known
  return known;
}

void add_lists(Finding& finding, const Context& context, const KnownGpus& known) {
  const std::string value = *context.variable(kName);
  add_evidence(finding, "variable", kName, value.empty() ? "(empty)" : base::printable(value));
  if (context.sees_devices())
    add_evidence(finding, "GPUs the driver shows", std::to_string(context.node.devices->size()));
  else if (known.count)
    add_evidence(finding, "GPUs in the container", std::to_string(*known.count));
  if (!known.uuids.empty()) add_evidence(finding, "their UUIDs", listed(known.uuids, 8));
}

Finding nothing_visible(const Context& context, const VisibleDevices& list, const KnownGpus& known,
                        bool names_one) {
  const std::string value = base::printable(*context.variable(kName), 100);
  std::string summary = std::string(kName) + "=" + value;
  if (base::trim(value).empty()) summary = std::string(kName) + " is empty, which";
  else if (!list.twice.empty()) summary += " names " + list.twice + " twice, which";
  else if (names_one) summary += " begins with a GPU that is not there and";
  Finding finding = failure(kExitNode, summary + " hides every GPU");
  add_lists(finding, context, known);
  finding.why =
      "The driver reads the list up to the first entry that names nothing, and shows no GPU at all "
      "if one is named twice. torch would say \"No CUDA GPUs are available\" (error 100).";
  finding.fix =
      "Unset CUDA_VISIBLE_DEVICES, or name GPUs in it that the container has, counted from 0 or by "
      "their UUID (nvidia-smi -L). If no GPU is wanted, set gpu.required = \"no\" in the policy.";
  return finding;
}

// Entries that could have named a GPU. -1 and NoDevFiles mean to end the list.
std::vector<std::string> ignored_entries(const VisibleDevices& list, std::size_t seen) {
  std::vector<std::string> ignored;
  for (std::size_t i = seen; i < list.entries.size(); ++i) ignored.push_back(list.entries[i].text);
  if (!list.stopped_at.empty() && list.stopped_at != "-1" && list.stopped_at != "NoDevFiles")
    ignored.push_back(list.stopped_at);
  ignored.insert(ignored.end(), list.unread.begin(), list.unread.end());
  return ignored;
}

std::optional<Finding> cut_short(const Context& context, const VisibleDevices& list,
                                 const KnownGpus& known, std::size_t seen) {
  const auto ignored = ignored_entries(list, seen);
  if (ignored.empty()) return std::nullopt;
  const auto instances = std::count_if(list.entries.begin(), list.entries.end(),
                                       [](const auto& e) { return e.kind == Kind::kMig; });
  Finding finding =
      warning(std::string(kName) + ": " + listed(ignored, 4) +
              (ignored.size() == 1 ? " makes no GPU visible" : " make no GPU visible"));
  add_lists(finding, context, known);
  if (instances > 1) {
    finding.why = "A CUDA process sees one MIG instance only, however many are listed.";
    finding.fix = "Start one process for each MIG instance, with that one in CUDA_VISIBLE_DEVICES.";
    return finding;
  }
  finding.why =
      "The driver reads the list up to the first entry that names nothing; a job laid out for all "
      "of them ends with \"invalid device ordinal\" (101).";
  finding.fix =
      "Name only GPUs that the container has, counted from 0 or by their UUID (nvidia-smi -L), or "
      "unset CUDA_VISIBLE_DEVICES.";
  return finding;
}

// The driver answered with devices: only entries that it passed over are worth mentioning.
std::optional<Finding> judge_seen(const Context& context, const VisibleDevices& list) {
  if (!list.twice.empty()) return std::nullopt;
  return cut_short(context, list, KnownGpus{}, context.node.devices->size());
}

std::optional<Finding> judge_files(const Context& context, const VisibleDevices& parsed) {
  const KnownGpus known = known_gpus(context);
  const VisibleDevices list = rules::among(parsed, known);
  if (list.entries.empty() || !list.twice.empty()) {
    if (context.wants(0)) return std::nullopt;
    return nothing_visible(context, list, known, !parsed.entries.empty());
  }
  if (context.sees_no_device()) return std::nullopt;  // for another reason
  const bool instances = std::all_of(list.entries.begin(), list.entries.end(),
                                     [](const auto& e) { return e.kind == Kind::kMig; });
  return cut_short(context, list, known, instances ? 1 : list.entries.size());
}

Findings run(const Context& context) {
  const auto value = context.variable(kName);
  if (!value) return {};
  if (!context.sees_devices())
    if (auto skip =
            context.skip_if_failed("cuda.capabilities cuda.compat cuda.libcuda cuda.driver"))
      return skip;
  const VisibleDevices list = rules::parse_visible_devices(*value);
  std::optional<Finding> finding;
  if (context.sees_devices()) finding = judge_seen(context, list);
  // An error of another kind says nothing about this variable.
  else if (context.sees_no_device() || !context.init_error().has_value())
    if (!no_gpu_at_all(context.node)) finding = judge_files(context, list);
  return finding;
}

}  // namespace

extern constexpr Check kCudaVisibleDevices{
    .id = "cuda.visible-devices",
    .exit_codes = "69",
    .needs_gpu = true,
    .title = "CUDA_VISIBLE_DEVICES names GPUs that are not there, or is cut short",
    .looks_at =
        "CUDA_VISIBLE_DEVICES: numbers, UUIDs that may be cut short (GPU-8932f937), MIG instances. "
        "Reading ends at the first entry that names nothing; a GPU that is named twice hides all; "
        "of several MIG instances a process sees one. The driver's own count decides; without it "
        "the GPUs whose device files open, and their UUIDs in /proc/driver/nvidia/gpus. Everything "
        "hidden fails; entries that make nothing visible are a warning that names them.",
    .why =
        "\"No CUDA GPUs are available\", \"invalid device ordinal\" (101), or a job that silently "
        "uses fewer GPUs than it was given.",
    .fix =
        "Unset the variable, or name GPUs that the container has, counted from 0. In containers "
        "the runtime has chosen already (NVIDIA_VISIBLE_DEVICES). If no GPU is wanted, set "
        "gpu.required = \"no\".",
    .source =
        "CUDA Programming Guide, \"CUDA Environment Variables\"; PyTorch, torch/cuda/__init__.py; "
        "NVIDIA Multi-Instance GPU User Guide, \"CUDA Device Enumeration\"",
    .run = run,
};

}  // namespace gpuinit::checks
