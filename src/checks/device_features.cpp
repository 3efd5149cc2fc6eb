// device.features: a GPU cannot do what the policy asks of it: bf16, fp8, peer access.
#include <algorithm>

#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "gpuinit/gpu_features.h"

namespace gpuinit::checks {

namespace {

const GpuFeature* find_feature(std::string_view name) {
  for (const GpuFeature& feature : kGpuFeatures)
    if (feature.name == name) return &feature;
  return nullptr;
}

Finding lacks(const Context& context, const std::vector<std::size_t>& indices,
              const GpuFeature& feature) {
  const Device& first = (*context.node.devices)[indices.front()];
  Finding finding =
      failure(kExitFit,
              joined({gpus(indices), " cannot do ", feature.name, ", which the policy asks for"}));
  add_evidence(finding, gpus(indices), device_words(first));
  if (feature.major != 0) {
    const rules::ComputeCapability needed{feature.major, feature.minor};
    add_evidence(finding, "has it from", "compute capability " + needed.text());
    finding.why =
        "Kernels of that type do not exist for this GPU: they fail (\"Bfloat16 is only supported "
        "on "
        "GPUs with compute capability of at least 8.0\"), or are emulated, slowly.";
    finding.fix = "Use a node with newer GPUs, or another number type (--dtype half).";
    return finding;
  }
  finding.why = "A single GPU has no peer, and MIG instances cannot reach each other.";
  finding.fix = "Give the container several whole GPUs, or take it out of gpu.features.";
  return finding;
}

// GPU to GPU: only where it is impossible does anything that is known say so.
Findings judge_pairs(const Context& context, const GpuFeature& feature) {
  const auto& devices = *context.node.devices;
  std::vector<std::size_t> alone;
  for (std::size_t i = 0; i < devices.size(); ++i)
    if (devices.size() == 1 || devices[i].mig.value_or(false)) alone.push_back(i);
  if (!alone.empty()) return lacks(context, alone, feature);
  return unknown(joined({"cannot tell whether the GPUs have ", feature.name}),
                 "the driver is not asked about pairs of GPUs");
}

Findings judge(const Context& context, const GpuFeature& feature) {
  if (feature.major == 0) return judge_pairs(context, feature);
  const rules::ComputeCapability needed{feature.major, feature.minor};
  const auto& devices = *context.node.devices;
  std::vector<std::size_t> indices;
  std::string not_known;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto capability = capability_of(devices[i]);
    if (!capability) not_known = gpus({i});
    else if (*capability < needed) indices.push_back(i);
  }
  if (!indices.empty()) return lacks(context, indices, feature);
  if (not_known.empty()) return {};
  return unknown(joined({"cannot tell whether ", not_known, " can do ", feature.name}));
}

Findings run(const Context& context) {
  Findings findings;
  const auto& wanted = context.policy.gpu.features;
  if (wanted.empty()) return findings;
  if (!context.node.devices)
    return unknown("cannot tell what the GPUs can do", context.node.devices.reason());
  for (const std::string& name : wanted)
    if (const GpuFeature* feature = find_feature(name))
      for (Finding& finding : judge(context, *feature)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace

extern constexpr Check kDeviceFeatures{
    .id = "device.features",
    .exit_codes = "66",
    .needs_gpu = true,
    .suppressed_by = kCausesOfNoDevice,
    .title = "a GPU cannot do what the policy asks of it: bf16, fp8, peer access",
    .looks_at =
        "Where the policy has gpu.features: the compute capability of every visible GPU. fp16 from "
        "7.0, int8 7.2, bf16 and tf32 8.0, fp8 8.9, fp4 10.0. p2p and nvlink are unknown, but for "
        "a "
        "single GPU and MIG instances, which have no peers.",
    .why =
        "\"Bfloat16 is only supported on GPUs with compute capability of at least 8.0\", or an "
        "emulation that is many times slower.",
    .fix = "Use a node with newer GPUs, or another number type.",
    .source = "CUDA C++ Programming Guide, \"Compute Capabilities\"; NVIDIA MIG User Guide",
    .run = run,
};

}  // namespace gpuinit::checks
