#include "assess/driver_probe.h"

#include "base/environment_variables.h"

namespace gpuinit::assess {

namespace {

// True if the driver would answer as it did: it and its loader see the same.
bool driver_sees_the_same(const base::Environment& a, const base::Environment& b) {
  const auto seen = [](const base::Environment& environment) {
    base::Environment part;
    for (const auto& [name, value] : environment)
      if (name.starts_with("LD_") || name.starts_with("CUDA_") || name.starts_with("NVIDIA_"))
        part.emplace(name, value);
    return part;
  };
  return seen(a) == seen(b);
}

}  // namespace

const NodeFacts* answer_before(const AssessRequest& request) {
  const AskedNode* before = request.asked_node;
  if (before == nullptr || !before->node.probe.known()) return nullptr;
  return driver_sees_the_same(before->environment, request.environment) ? &before->node : nullptr;
}

probe::CudaProbe start_probe(const AssessRequest& request, const Policy& policy) {
  probe::CudaProbeOptions options;
  options.context = policy.warmup.context && policy.gpu.required != GpuRequired::kNo;
  options.timeout = policy.probe.timeout;
  options.sandbox = policy.probe.sandbox;
  options.trial_timeout = policy.warmup.timeout;
  options.keep_driver_awake =
      options.context && request.keep_driver_awake && policy.warmup.hold.count() > 0;
  options.environment = request.environment;
  return probe::CudaProbe::start(options);
}

bool may_probe_early(const AssessRequest& request, const Policy& policy) {
  return request.node_file.empty() && !request.is_worth_judging &&
         answer_before(request) == nullptr && policy.gpu.required != GpuRequired::kNo;
}

}  // namespace gpuinit::assess
