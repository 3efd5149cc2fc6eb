// One function per check: facts and policy in, findings out, without ids (the
// runner adds them) and with the severity of level `fail`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checks/context.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

using Findings = std::vector<Finding>;

// Compiled once, where `return {finding}` is compiled, and copies, in every place.
Findings one(Finding finding);
Findings one(std::optional<Finding> finding);  // none: no finding

Findings check_platform(const Context& context);
Findings check_python_interpreter(const Context& context);
Findings check_libc_version(const Context& context);
Findings check_python_abi(const Context& context);
Findings check_torch_install(const Context& context);
Findings check_loader_missing(const Context& context);
Findings check_loader_version(const Context& context);
Findings check_loader_symbol(const Context& context);
Findings check_loader_shadowed(const Context& context);
Findings check_torch_cuda_build(const Context& context);
Findings check_extension_abi(const Context& context);
Findings check_python_packages(const Context& context);
Findings check_cuda_capabilities(const Context& context);
Findings check_cuda_compat(const Context& context);
Findings check_cuda_libcuda(const Context& context);
Findings check_cuda_driver(const Context& context);
Findings check_cuda_require(const Context& context);
Findings check_cuda_visible_devices(const Context& context);
Findings check_device_permissions(const Context& context);
Findings check_device_present(const Context& context);
Findings check_device_mode(const Context& context);
Findings check_device_arch(const Context& context);
Findings check_extension_arch(const Context& context);
Findings check_cuda_jit_cache(const Context& context);
Findings check_cuda_module_loading(const Context& context);
Findings check_device_context(const Context& context);
Findings check_python_import(const Context& context);
Findings check_probe_disagrees(const Context& context);
Findings check_limits_shm(const Context& context);
Findings check_limits_memlock(const Context& context);
Findings check_expect_python(const Context& context);
Findings check_expect_torch(const Context& context);
Findings check_expect_cuda(const Context& context);
Findings check_expect_driver(const Context& context);

}  // namespace gpuinit::checks
