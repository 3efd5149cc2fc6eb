// Runs the checks in causal order and applies the policy's levels.
#include "checks/run_checks.h"

#include <algorithm>
#include <array>

#include "checks/check.h"
#include "gpuinit/check_ids.h"

namespace gpuinit::checks {

namespace {

struct Check {
  std::string_view id;
  Findings (*run)(const Context&);
};

// In the order of kCheckIds, which is also the order of causes: image, driver,
// devices. The expectations follow from nothing and explain nothing.
constexpr std::array<Check, kCheckIds.size()> kChecks{{
    {"platform", check_platform},
    {"python.interpreter", check_python_interpreter},
    {"libc.version", check_libc_version},
    {"python.abi", check_python_abi},
    {"torch.install", check_torch_install},
    {"loader.missing", check_loader_missing},
    {"loader.version", check_loader_version},
    {"loader.symbol", check_loader_symbol},
    {"loader.shadowed", check_loader_shadowed},
    {"torch.cuda-build", check_torch_cuda_build},
    {"extension.abi", check_extension_abi},
    {"python.packages", check_python_packages},
    {"cuda.capabilities", check_cuda_capabilities},
    {"cuda.compat", check_cuda_compat},
    {"cuda.libcuda", check_cuda_libcuda},
    {"cuda.driver", check_cuda_driver},
    {"cuda.require", check_cuda_require},
    {"cuda.visible-devices", check_cuda_visible_devices},
    {"device.permissions", check_device_permissions},
    {"device.mode", check_device_mode},
    {"device.present", check_device_present},
    {"device.arch", check_device_arch},
    {"extension.arch", check_extension_arch},
    {"cuda.jit-cache", check_cuda_jit_cache},
    {"cuda.module-loading", check_cuda_module_loading},
    {"device.context", check_device_context},
    {"python.import", check_python_import},
    {"probe.disagrees", check_probe_disagrees},
    {"limits.shm", check_limits_shm},
    {"limits.memlock", check_limits_memlock},
    {"expect.python", check_expect_python},
    {"expect.torch", check_expect_torch},
    {"expect.cuda", check_expect_cuda},
    {"expect.driver", check_expect_driver},
}};

constexpr bool same_order_as_the_ids() {
  for (std::size_t i = 0; i < kChecks.size(); ++i)
    if (kChecks[i].id != kCheckIds[i]) return false;
  return true;
}
static_assert(same_order_as_the_ids());

}  // namespace

std::vector<Finding> run_checks(const Facts& facts, const Policy& policy) {
  std::vector<Finding> all;
  Context context(facts, policy);
  for (const Check& check : kChecks) {
    const Level level = context.level(check.id);
    if (level == Level::kOff) continue;
    bool failed = false;
    for (Finding& finding : check.run(context)) {
      finding.id = std::string(check.id);
      failed |= finding.severity == Severity::kFail;
      if (level == Level::kWarn && finding.severity == Severity::kFail)
        finding.severity = Severity::kWarn;
      all.push_back(std::move(finding));
    }
    if (failed) context.failed.emplace_back(check.id);
  }
  return all;
}

Verdict judge(const std::vector<Finding>& findings) {
  Verdict verdict;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kFail) {
      // A class without a rank (an error of policy or of gpuinit) still is a failure.
      verdict.exit_code = verdict.word != Verdict::Word::kFail
                              ? finding.exit_code
                              : least_retryable(verdict.exit_code, finding.exit_code);
      verdict.word = Verdict::Word::kFail;
    } else if (finding.severity == Severity::kWarn && verdict.word == Verdict::Word::kPass) {
      verdict.word = Verdict::Word::kWarn;
    }
  }
  return verdict;
}

}  // namespace gpuinit::checks
