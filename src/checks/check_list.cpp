// The list of checks. A new check is a file with its constant, and a row here.
#include <vector>

#include "checks/check.h"
#include "checks/run_checks.h"

namespace gpuinit::checks {

// In the order of causes: image, driver, devices. What comes first can suppress what follows.
// The pins of a policy follow from nothing and suppress nothing.
// clang-format off
#define GPUINIT_CHECKS(row) \
  row(kImageReadable) \
  row(kImageSealed) \
  row(kPlatform) \
  row(kPythonInterpreter) \
  row(kLibcVersion) \
  row(kPythonAbi) \
  row(kTorchInstall) \
  row(kLoaderMissing) \
  row(kLoaderVersion) \
  row(kLoaderSymbol) \
  row(kLoaderShadowed) \
  row(kTorchCudaBuild) \
  row(kExtensionAbi) \
  row(kPythonPackages) \
  row(kCudaCapabilities) \
  row(kCudaCompat) \
  row(kCudaLibcuda) \
  row(kCudaDriver) \
  row(kCudaRequire) \
  row(kCudaVisibleDevices) \
  row(kDevicePermissions) \
  row(kDeviceMode) \
  row(kDevicePresent) \
  row(kDeviceKind) \
  row(kDeviceMemory) \
  row(kDeviceFeatures) \
  row(kDeviceArch) \
  row(kExtensionArch) \
  row(kCudaJitCache) \
  row(kCudaModuleLoading) \
  row(kDeviceContext) \
  row(kToolchain) \
  row(kUser) \
  row(kWritable) \
  row(kThreads) \
  row(kPythonImport) \
  row(kProbeDisagrees) \
  row(kLimitsShm) \
  row(kLimitsMemlock) \
  row(kExpectPython) \
  row(kExpectTorch) \
  row(kExpectCuda) \
  row(kExpectPackages) \
  row(kExpectDriver)
// clang-format on

#define GPUINIT_DECLARE(name) extern const Check name;  // NOLINT(bugprone-macro-parentheses)
GPUINIT_CHECKS(GPUINIT_DECLARE)

std::span<const Check* const> check_list() {
#define GPUINIT_ADDRESS(name) &(name),
  static constexpr const Check* kList[] = {GPUINIT_CHECKS(GPUINIT_ADDRESS)};
  return kList;
}

std::span<const CheckInfo> catalogue() {
  static const std::vector<CheckInfo> kAll = [] {
    std::vector<CheckInfo> all;
    for (const Check* check : check_list()) all.push_back(*check);
    return all;
  }();
  return kAll;
}

}  // namespace gpuinit::checks
