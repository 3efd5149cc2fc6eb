// device.features: a GPU cannot do what the policy asks of it: bf16, fp8, peer access.
#include <algorithm>

#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/finding_builder.h"
#include "rules/tables/gpu_features.h"

namespace gpuinit::checks {

namespace {

constexpr char kWhy[] =
    "Kernels of that type fail (\"Bfloat16 is only supported on GPUs with compute capability of at "
    "least 8.0\"), or are emulated, slowly.";
constexpr char kWhyPairs[] = "A single GPU has no peer, and MIG instances are none to each other.";
constexpr char kFixPairs[] = "Ask for two whole GPUs or more, or change gpu.features.";
constexpr char kFix[] =
    "Use a node with other GPUs, or another number type (--dtype half), or change gpu.features.";

Findings judge(const Context& context, const rules::tables::GpuFeature& feature) {
  const rules::ComputeCapability needed{feature.major, feature.minor};
  const bool of_pairs = feature.major == 0;
  const auto& devices = *context.node.devices;
  std::vector<std::size_t> without;
  bool known = !of_pairs;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto capability = capability_of(devices[i]);
    if (of_pairs ? devices.size() == 1 || devices[i].mig.value_or(false)
                 : capability && *capability < needed)
      without.push_back(i);
    known = known && capability;
  }
  if (without.empty()) {
    if (known) return {};
    Finding finding = unknown(joined({"cannot tell whether the GPUs can do ", feature.name}),
                              of_pairs ? "the driver is not asked about pairs of GPUs" : "");
    return of_pairs ? note(std::move(finding)) : finding;  // nothing would decide it
  }
  Finding finding =
      failure(kExitFit,
              joined({gpus(without), " cannot do ", feature.name, ", which the policy asks for"}));
  add_devices(finding, devices, without);
  if (!of_pairs) add_evidence(finding, "has it from", "compute capability " + needed.text());
  finding.why = of_pairs ? kWhyPairs : kWhy;
  finding.fix = of_pairs ? kFixPairs : kFix;
  return finding;
}

Findings run(const Context& context) {
  Findings findings;
  const auto& wanted = context.policy.gpu.features;
  if (wanted.empty()) return findings;
  if (auto skip = context.skip_without_devices()) return skip;
  if (!context.node.devices)
    return unknown("cannot tell what the GPUs can do", context.node.devices.reason());
  for (const rules::tables::GpuFeature& feature : rules::tables::kGpuFeatures)
    if (std::ranges::find(wanted, feature.name) != wanted.end())
      for (Finding& finding : judge(context, feature)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace

extern constexpr Check kDeviceFeatures{
    .id = "device.features",
    .exit_codes = "66",
    .needs_gpu = true,
    .title = "a GPU cannot do what the policy asks of it: bf16, fp8, peer access",
    .looks_at =
        "Where the policy has gpu.features: the compute capability of every visible GPU. fp16 from "
        "7.0, int8 7.2, bf16 and tf32 8.0, fp8 8.9, fp4 10.0. p2p and nvlink are known to be "
        "impossible only.",
    .why = kWhy,
    .fix = kFix,
    .source = "CUDA C++ Programming Guide, \"Compute Capabilities\"; NVIDIA MIG User Guide",
    .run = run,
};

}  // namespace gpuinit::checks
