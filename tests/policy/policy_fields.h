// All members of Policy as one tuple. A new member does not compile here until
// it is named, and the tests that use this then ask for its row in the catalogue.
#pragma once

#include <algorithm>
#include <tuple>

#include "gpuinit/policy.h"
#include "policy/catalogue.h"

namespace gpuinit::test {

inline auto fields(const Policy& policy) {
  const auto& [checks, python_interpreter, python_probe, python_imports, torch_required,
               extensions_include, extensions_exclude, gpu_required, gpu_count, expect_python,
               expect_torch, expect_cuda, expect_driver, probe_timeout, probe_sandbox,
               warmup_context, warmup_timeout, warmup_hold, warmup_pages, warmup_max_bytes,
               wait_for, wait_timeout, seccomp_base, seccomp_profile, seccomp_allow, seccomp_deny,
               seccomp_log, termination_log, launch_mode, launch_signal_target, launch_signals,
               launch_grace, launch_parent_death_signal, launch_exit_zero, launch_postmortem,
               launch_postmortem_exit] = policy;
  return std::tuple(checks, python_interpreter, python_probe, python_imports, torch_required,
                    extensions_include, extensions_exclude, gpu_required, gpu_count, expect_python,
                    expect_torch, expect_cuda, expect_driver, probe_timeout, probe_sandbox,
                    warmup_context, warmup_timeout, warmup_hold, warmup_pages, warmup_max_bytes,
                    wait_for, wait_timeout, seccomp_base, seccomp_profile, seccomp_allow,
                    seccomp_deny, seccomp_log, termination_log, launch_mode, launch_signal_target,
                    launch_signals, launch_grace, launch_parent_death_signal, launch_exit_zero,
                    launch_postmortem, launch_postmortem_exit);
}

// How many rows a policy has in which nothing was set.
inline std::size_t keys_always_shown() {
  const auto& keys = policy::catalogue();
  return static_cast<std::size_t>(std::count_if(
      keys.begin(), keys.end(), [](const auto& key) { return !goes_without_saying(key); }));
}

}  // namespace gpuinit::test
