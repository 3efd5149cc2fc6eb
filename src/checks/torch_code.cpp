#include "checks/torch_code.h"

#include <algorithm>
#include <tuple>

namespace gpuinit::checks {

namespace {

std::vector<std::string> sorted_targets(std::vector<std::string> targets) {
  const auto rank = [](const std::string& name) {
    const auto target = rules::parse_target(name);
    if (!target) return std::tuple(true, 0U, 0U, true, name);
    return std::tuple(false, target->capability.major, target->capability.minor, target->ptx, name);
  };
  std::sort(targets.begin(), targets.end(),
            [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  return targets;
}

}  // namespace

std::optional<TorchCode> code_of(const Torch& torch) {
  TorchCode code;
  if (torch.device_code) {
    for (const auto& group : torch.device_code->groups) {
      if (group.containers == 0) continue;
      code.groups.push_back(group);
      code.targets.insert(code.targets.end(), group.targets.begin(), group.targets.end());
    }
  }
  if (code.groups.empty()) {
    if (!torch.arch_list || torch.arch_list->empty()) return std::nullopt;
    // As if it were one container: what the list has for a GPU, all of torch has.
    code.groups.push_back({*torch.arch_list, Fact<std::string>::unknown("not in the list"), 1});
    code.targets = *torch.arch_list;
    code.from_arch_list = true;
  }
  code.targets = sorted_targets(std::move(code.targets));
  return code;
}

Coverage coverage_on(const TorchCode& code, rules::ComputeCapability device, const DriverJit& jit) {
  return coverage_of(code.groups, device, [&](const auto& isa) { return jit.compiles(isa); });
}

std::optional<rules::ComputeCapability> capability_of(const Device& device) {
  if (!device.compute_capability) return std::nullopt;
  return rules::parse_compute_capability(*device.compute_capability);
}

}  // namespace gpuinit::checks
