// One function per check: facts and policy in, findings out, without ids (the
// runner adds them) and with the severity of level `fail`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "checks/context.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

using Findings = std::vector<Finding>;

Findings check_python_interpreter(const Context& context);
Findings check_python_abi(const Context& context);
Findings check_torch_install(const Context& context);
Findings check_torch_cuda_build(const Context& context);
Findings check_cuda_libcuda(const Context& context);
Findings check_cuda_driver(const Context& context);
Findings check_device_present(const Context& context);
Findings check_device_arch(const Context& context);
Findings check_device_context(const Context& context);
Findings check_expect_python(const Context& context);
Findings check_expect_torch(const Context& context);
Findings check_expect_cuda(const Context& context);
Findings check_expect_driver(const Context& context);

}  // namespace gpuinit::checks
