// All fields of Policy as one tuple, and the keys. A new member does not compile here until
// it is named, and the tests that use this then ask for its row in src/policy/keys.cpp.
#pragma once

#include <algorithm>
#include <tuple>

#include "checks/run_checks.h"
#include "gpuinit/policy.h"
#include "policy/keys.h"
#include "policy/layers.h"

namespace gpuinit::test {

template <class... T>
std::tuple<T...> values(const T&... members) {
  return {members...};
}

inline auto fields(const Policy& policy) {
  const auto& [checks, undecided, accept, python, image, torch, require, extensions, gpu, expect,
               probe, warmup, wait, seccomp, report, launch] = policy;
  const auto& [interpreter, python_probe, imports] = python;
  const auto& [seal] = image;
  const auto& [torch_required] = torch;
  const auto& [require_frameworks] = require;
  const auto& [include, exclude, all] = extensions;
  const auto& [gpu_required, count, gpu_name, capability, mig, same, gpu_memory, memory_total,
               features] = gpu;
  const auto& [expect_python, expect_torch, expect_cuda, expect_driver, expect_packages] = expect;
  const auto& [probe_timeout, sandbox] = probe;
  const auto& [context, warmup_timeout, hold, pages, max_bytes] = warmup;
  const auto& [causes, wait_timeout] = wait;
  const auto& [base, profile, allow, deny, log] = seccomp;
  const auto& [termination_log] = report;
  const auto& [mode, follow, follow_timeout, signal_target, signals, grace, parent_death_signal,
               exit_zero, postmortem, postmortem_exit] = launch;
  return values(checks, undecided, accept, interpreter, python_probe, imports, seal, torch_required,
                require_frameworks, include, exclude, all, gpu_required, count, gpu_name,
                capability, mig, same, gpu_memory, memory_total, features, expect_python,
                expect_torch, expect_cuda, expect_driver, expect_packages, probe_timeout, sandbox,
                context, warmup_timeout, hold, pages, max_bytes, causes, wait_timeout, base,
                profile, allow, deny, log, termination_log, mode, follow, follow_timeout,
                signal_target, signals, grace, parent_death_signal, exit_zero, postmortem,
                postmortem_exit);
}

// The keys, with the real checks.
inline const policy::KeyTable& key_table() {
  static const policy::KeyTable table(checks::catalogue());
  return table;
}

inline policy::Layers layers(policy::Problems problems = {}) {
  return {checks::catalogue, std::move(problems)};
}

// How many rows a policy has in which nothing was set.
inline std::size_t keys_always_shown() {
  const auto& keys = key_table().keys();
  return static_cast<std::size_t>(std::count_if(
      keys.begin(), keys.end(), [](const auto& key) { return !key.hidden_unless_set; }));
}

}  // namespace gpuinit::test
