// All members of Policy as one tuple. A new member does not compile here until
// it is named, and the tests that use this then ask for its row in the catalogue.
#pragma once

#include <tuple>

#include "gpuinit/policy.h"

namespace gpuinit::test {

inline auto fields(const Policy& policy) {
  const auto& [checks, python_interpreter, torch_required, gpu_required, gpu_count, expect_python,
               expect_torch, expect_cuda, expect_driver, probe_timeout, warmup_context,
               termination_log] = policy;
  return std::tuple(checks, python_interpreter, torch_required, gpu_required, gpu_count,
                    expect_python, expect_torch, expect_cuda, expect_driver, probe_timeout,
                    warmup_context, termination_log);
}

}  // namespace gpuinit::test
