#include "checks/arch_coverage.h"

#include <limits>

namespace gpuinit::checks {

namespace {

using rules::Runs;

// Containers that would run do not make a program if they are one in twenty:
// torch carries a few kernels for special targets (2 of 343 containers have
// sm_90a), and none of them is one that every program needs.
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
      if (coverage.blocked_isa.empty()) coverage.blocked_isa = group.ptx_isa.value_or("");
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

}  // namespace gpuinit::checks
