#include "checks/arch_coverage.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "checks/device_groups.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

using rules::Runs;

// Containers that would run do not make a program if they are one in twenty:
// torch carries a few kernels for special targets (2 of 343 containers have
// sm_90a), none of which every program needs.
constexpr std::uint64_t kTooFew = 20;

struct Best {
  bool native = false;
  bool ptx = false;
  bool doubtful = false;
  bool unknown = false;
};

Best best_of(const FatbinGroup& group, rules::ComputeCapability device) {
  Best best;
  for (const auto& target : group.targets) {
    switch (rules::runs_on(target, device)) {
      case Runs::kNative:
        best.native = true;
        break;
      case Runs::kJit:
        best.ptx = true;
        break;
      case Runs::kDoubtful:
        best.doubtful = true;
        break;
      case Runs::kUnknown:
        best.unknown = true;
        break;
      case Runs::kNo:
        break;
    }
  }
  return best;
}

// Counts come from files and from JSON: no overflow, whatever they say.
void add(std::uint64_t& sum, std::uint64_t count) {
  if (__builtin_add_overflow(sum, count, &sum)) sum = std::numeric_limits<std::uint64_t>::max();
}

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

Coverage coverage_of(const std::vector<FatbinGroup>& groups, rules::ComputeCapability device,
                     const JitRule& jit) {
  Coverage coverage;
  for (const auto& group : groups) {
    add(coverage.total, group.containers);
    const Best best = best_of(group, device);
    const Tristate compiles = best.ptx ? jit(group.ptx_isa) : Tristate::kNo;
    if (best.native) {
      add(coverage.native, group.containers);
    } else if (compiles == Tristate::kYes) {
      add(coverage.jit, group.containers);
    } else if (compiles == Tristate::kUnknown || best.unknown) {
      add(coverage.unknown, group.containers);
    } else if (best.doubtful) {
      add(coverage.doubtful, group.containers);
    } else if (best.ptx) {
      add(coverage.blocked, group.containers);
      if (!coverage.blocked_isa) coverage.blocked_isa = group.ptx_isa;
    }
  }
  return coverage;
}

CoverageVerdict verdict_of(const Coverage& coverage) {
  const std::uint64_t half = coverage.total / 2;
  if (coverage.total == 0) return CoverageVerdict::kUnknown;
  std::uint64_t usable = coverage.native;
  if (usable > half) return CoverageVerdict::kGood;
  add(usable, coverage.jit);
  if (usable > half) return CoverageVerdict::kSlowStart;
  add(usable, coverage.doubtful);
  if (usable > half) return CoverageVerdict::kDoubtful;
  const std::uint64_t too_few = coverage.total / kTooFew;
  const bool some_run = usable > too_few;
  add(usable, coverage.unknown);
  if (usable > half || (usable > too_few && !some_run)) return CoverageVerdict::kUnknown;
  if (some_run) return CoverageVerdict::kPartial;
  return coverage.blocked > 0 ? CoverageVerdict::kBlocked : CoverageVerdict::kNothing;
}

std::optional<TorchCode> code_in(const Fact<DeviceCode>& device_code) {
  if (!device_code) return std::nullopt;
  TorchCode code;
  for (const auto& group : device_code->groups) {
    if (group.containers == 0) continue;
    code.groups.push_back(group);
    code.targets.insert(code.targets.end(), group.targets.begin(), group.targets.end());
  }
  if (code.groups.empty()) return std::nullopt;
  code.targets = sorted_targets(std::move(code.targets));
  return code;
}

std::optional<TorchCode> code_of(const Torch& torch) {
  auto found = code_in(torch.device_code);
  if (found || !torch.arch_list || torch.arch_list->empty()) return found;
  // As if it were one container: what the list has for a GPU, all of torch has.
  TorchCode code;
  code.groups.push_back({*torch.arch_list, Fact<std::string>::unknown("not in the list"), 1});
  code.targets = sorted_targets(*torch.arch_list);
  code.from_arch_list = true;
  return code;
}

std::optional<rules::ComputeCapability> capability_of(const Device& device) {
  if (!device.compute_capability) return std::nullopt;
  return rules::parse_compute_capability(*device.compute_capability);
}

std::string DeviceKind::text() const { return joined({gpus(indices), " (", words, ")"}); }

std::vector<DeviceKind> kinds_of(const std::vector<Device>& devices) {
  std::vector<DeviceKind> kinds;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto capability = capability_of(devices[i]);
    if (!capability) continue;
    auto kind = std::ranges::lower_bound(kinds, *capability, {}, &DeviceKind::capability);
    if (kind == kinds.end() || kind->capability != *capability)
      kind = kinds.insert(kind, {*capability, {}, ""});
    kind->indices.push_back(i);
  }
  for (DeviceKind& kind : kinds) {
    std::vector<std::string> words;
    for (const std::size_t i : kind.indices) words.push_back(device_words(devices[i]));
    kind.words = common(words);
  }
  return kinds;
}

}  // namespace gpuinit::checks
