// device.kind: a GPU is not of the kind that the policy asks for.
#include <algorithm>

#include "base/byte_size.h"
#include "base/text.h"
#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/finding_builder.h"
#include "rules/device_name.h"
#include "rules/version.h"

namespace gpuinit::checks {

namespace {

using Text = Fact<std::string>;

constexpr char kWhy[] =
    "The policy's author knows that the job runs on such GPUs. On others it may run out of memory, "
    "lack kernels, or take many times as long; and where GPUs differ, all wait for the slowest.";
constexpr char kFix[] =
    "Ask the scheduler for such GPUs (in Kubernetes by the label nvidia.com/gpu.product, in Slurm "
    "by the type in --gres), or change the policy.";

Text name_of(const Device& device) { return device.name; }
Text capability_text(const Device& device) { return device.compute_capability; }
Text mig_of(const Device& device) {
  if (!device.mig) return Text::unknown(device.mig.reason());
  return std::string(*device.mig ? "yes" : "no");
}
Text memory_of(const Device& device) {
  if (!device.memory_bytes) return Text::unknown(device.memory_bytes.reason());
  return base::byte_size(*device.memory_bytes);
}

// Something that the policy asks of every GPU.
struct Demand {
  std::string_view key;
  Text (*seen)(const Device& device);
  bool (*fits)(const std::string& seen, const Policy::Gpu& wanted);
  const char* is;   // between "GPU 0" and what is seen
  const char* are;  // … "GPUs 0-3"
  std::string wanted;
  bool names_seen = true;  // false: `is` and `are` say it all
};

Finding other_kind(const Context& context, std::string summary,
                   const std::vector<std::size_t>& indices) {
  Finding finding = failure(kExitFit, std::move(summary));
  add_devices(finding, *context.node.devices, indices, sized_words);
  finding.why = kWhy;
  finding.fix = kFix;
  return finding;
}

Findings judge(const Context& context, const Demand& demand) {
  const auto& devices = *context.node.devices;
  std::vector<std::size_t> others;
  std::vector<std::string> seen;
  Findings unknowns;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Text text = demand.seen(devices[i]);
    if (!text) {
      unknowns =
          unknown(joined({"cannot tell whether the GPUs are what ", demand.key, " asks for"}),
                  text.reason());
    } else if (!demand.fits(*text, context.policy.gpu)) {
      others.push_back(i);
      seen.push_back(*text);
    }
  }
  if (others.empty()) return unknowns;
  return other_kind(
      context,
      joined({gpus(others), others.size() == 1 ? demand.is : demand.are,
              demand.names_seen ? common(seen) : "", ", and the policy asks for ", demand.wanted}),
      others);
}

// gpu.same. What is not known of one GPU may be what the others have.
Findings judge_same(const Context& context) {
  const auto& devices = *context.node.devices;
  Findings unknowns;
  for (const auto seen : {name_of, capability_text, memory_of}) {
    std::string first;
    for (const Device& device : devices) {
      const Text text = seen(device);
      if (!text) unknowns = unknown("cannot tell whether all GPUs are alike", text.reason());
      else if (first.empty()) first = *text;
      else if (first != *text) {
        std::vector<std::string> kinds;
        std::vector<std::size_t> indices;
        for (const Device& each : devices) {
          kinds.push_back(sized_words(each));
          indices.push_back(indices.size());
        }
        return other_kind(
            context, joined({"the GPUs are not all alike, as the policy asks: ", counted(kinds)}),
            indices);
      }
    }
  }
  return unknowns;
}

bool has_name(const std::string& seen, const Policy::Gpu& wanted) {
  return std::ranges::any_of(wanted.name,
                             [&](const auto& name) { return rules::is_called(seen, name); });
}

bool has_capability(const std::string& seen, const Policy::Gpu& wanted) {
  const auto range = rules::parse_version_range(wanted.compute_capability);
  const auto capability = rules::parse_version(seen);
  return !range || !capability || range->contains(*capability);
}

bool has_mig(const std::string& seen, const Policy::Gpu& wanted) {
  return (seen == "yes") == (wanted.mig == GpuMig::kYes);
}

Findings run(const Context& context) {
  const Policy::Gpu& wanted = context.policy.gpu;
  std::vector<Demand> demands;
  if (!wanted.name.empty())
    demands.push_back(
        {"gpu.name", name_of, has_name, " is ", " are ", base::join_with(wanted.name, " or ")});
  if (!wanted.compute_capability.empty())
    demands.push_back({"gpu.compute-capability", capability_text, has_capability,
                       " has compute capability ", " have compute capability ",
                       wanted.compute_capability});
  if (wanted.mig == GpuMig::kNo)
    demands.push_back({"gpu.mig", mig_of, has_mig, " is a MIG instance", " are MIG instances",
                       "whole GPUs", false});
  if (wanted.mig == GpuMig::kYes)
    demands.push_back(
        {"gpu.mig", mig_of, has_mig, " is a whole GPU", " are whole GPUs", "MIG instances", false});
  if (demands.empty() && !wanted.same) return {};
  // Those that are there are judged also where they are too few.
  if (auto skip = context.skip_without_devices()) return skip;
  if (!context.node.devices)
    return unknown("cannot tell what kind of GPUs these are", context.node.devices.reason());
  Findings findings;
  for (const Demand& demand : demands)
    for (Finding& finding : judge(context, demand)) findings.push_back(std::move(finding));
  if (wanted.same)
    for (Finding& finding : judge_same(context)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace

extern constexpr Check kDeviceKind{
    .id = "device.kind",
    .exit_codes = "66",
    .needs_gpu = true,
    .title = "a GPU is not of the kind that the policy asks for",
    .looks_at =
        "Where the policy has them: gpu.name (words of the name that the driver gives every "
        "visible GPU, or a pattern of all of it), gpu.compute-capability, gpu.mig, and gpu.same: "
        "name, compute capability and memory of all GPUs are alike.",
    .why = kWhy,
    .fix = kFix,
    .source = "CUDA Driver API, cuDeviceGetName; Kubernetes, NVIDIA GPU Feature Discovery",
    .run = run,
};

}  // namespace gpuinit::checks
