// The decision procedure: newer, minor version, forward compatibility, or not.
#include "rules/driver_service.h"

#include <algorithm>

namespace gpuinit::rules {

namespace {

using Because = ServiceAnswer::Because;

}  // namespace

std::optional<ServiceAnswer> compat_refused(const DriverStack& stack) {
  if (!stack.forward_compat || stack.initialises || !stack.kernel) return std::nullopt;
  const unsigned branch = stack.kernel->major();
  // The driver refuses a libcuda older than its kernel module (error 803),
  // whatever the note lists. Within one branch the releases may differ.
  if (stack.libcuda && branch > stack.libcuda->major())
    return ServiceAnswer{Service::kNo, Because::kCompatTooOld};
  const auto& listed = stack.supported_branches;
  if (listed.empty()) return std::nullopt;
  if (stack.libcuda && branch == stack.libcuda->major()) return std::nullopt;
  if (std::find(listed.begin(), listed.end(), static_cast<int>(branch)) != listed.end())
    return std::nullopt;
  return ServiceAnswer{Service::kNo, Because::kBranchNotListed};
}

ServiceAnswer driver_serves(const Version& runtime, const DriverStack& stack) {
  if (const auto refused = compat_refused(stack)) return *refused;

  if (stack.cuda.cuda >= runtime)
    return {stack.forward_compat ? Service::kForwardCompat : Service::kNewer, Because::kFits};
  if (!stack.cuda.exact) return {Service::kUnknown, Because::kOnlyLowerBound};
  if (stack.cuda.cuda.major() != runtime.major()) return {Service::kNo, Because::kOlderFamily};

  const auto floor = family_floor(runtime.major());
  if (!floor) {
    // Before CUDA 11 a runtime needs its own driver; a family newer than the
    // tables surely has a floor, but not one that is known here.
    return runtime.major() < 11 ? ServiceAnswer{Service::kNo, Because::kBelowFloor}
                                : ServiceAnswer{Service::kMinorVersion, Because::kFits};
  }
  // Without a kernel version (WSL has none) the libcuda's family speaks for it:
  // only beta releases of a family's first branch lie below its floor.
  if (stack.kernel && *stack.kernel < *floor && !stack.forward_compat)
    return {Service::kNo, Because::kBelowFloor};
  return {Service::kMinorVersion, Because::kFits};
}

}  // namespace gpuinit::rules
