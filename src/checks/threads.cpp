// threads: threads cannot be made here, or too few of them.
#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "checks/check.h"
#include "checks/engines.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

constexpr char kFixFilter[] =
    "Update the container engine: docker 20.10.10, containerd 1.5.8 or newer.";
constexpr char kFixLimit[] =
    "Raise docker's --pids-limit, the kubelet's podPidsLimit or `ulimit -u`, or set "
    "OMP_NUM_THREADS.";
constexpr char kFix[] =
    "EPERM: update the container engine (docker 20.10.10, containerd 1.5.8 or newer). Too few: "
    "raise docker's --pids-limit, the kubelet's podPidsLimit or `ulimit -u`, or set "
    "OMP_NUM_THREADS.";

// NumPy's OpenBLAS makes one thread for each CPU when it is imported, at most this many.
constexpr std::uint64_t kOpenBlasThreads = 64;
// Python, torch and what the loader starts, without any pool.
constexpr std::uint64_t kOtherTasks = 16;

Findings judge_clone3(const Context& context) {
  constexpr std::uint64_t kFirstWithClone3 = 34;
  const auto& glibc = context.image.glibc;
  if (glibc.is_unknown())
    return unknown("a filter refuses clone3; cannot tell whether glibc uses it", glibc.reason());
  if (glibc_minor(context.image) < kFirstWithClone3) return {};
  Finding finding = failure(kExitNode, "a system call filter lets every new thread fail");
  add_evidence(finding, "clone3", "EPERM");
  add_evidence(finding, "glibc", *glibc);
  finding.why =
      "glibc 2.34 and later make threads with clone3, and turn to clone only where that gives "
      "ENOSYS. The filter of an old container engine gives EPERM: \"can't start new thread\", "
      "\"pthread_create failed\".";
  finding.fix = kFixFilter;
  return finding;
}

Findings run(const Context& context) {
  if (!context.image.torch) return {};
  const Limits& limits = context.node.limits;
  if (limits.clone3_errno == Fact<int>(EPERM)) return judge_clone3(context);
  if (!limits.tasks_left || !limits.cpus) return {};
  std::uint64_t need = kOtherTasks;
  const auto& variables = context.image.variables;
  if (variables && !variables->contains("OMP_NUM_THREADS") &&
      !variables->contains("OPENBLAS_NUM_THREADS"))
    need += std::min(*limits.cpus, kOpenBlasThreads);
  if (*limits.tasks_left >= need) return {};
  Finding finding = failure(kExitNode, joined({"only ", std::to_string(*limits.tasks_left),
                                               " more processes and threads may be made here"}));
  add_evidence(finding, "CPUs", std::to_string(*limits.cpus));
  finding.why =
      "NumPy alone starts a thread for each CPU when torch imports it: \"can't start new thread\", "
      "\"OpenBLAS blas_thread_init: pthread_create failed\", \"Resource temporarily unavailable\".";
  finding.fix = kFixLimit;
  return finding;
}

}  // namespace

extern constexpr Check kThreads{
    .id = "threads",
    .level = Level::kWarn,
    .exit_codes = "69",
    .title = "threads cannot be made here, or too few of them",
    .looks_at =
        "Where the image has torch: what a clone3 that asks for nothing gives (EPERM, with glibc "
        "2.34 or later), and whether RLIMIT_NPROC and pids.max leave 16 tasks and one for each "
        "CPU.",
    .why = "\"RuntimeError: can't start new thread\", \"pthread_create failed\".",
    .fix = kFix,
    .source =
        "glibc 2.34, sysdeps/unix/sysv/linux/clone-internal.c; moby#42680; setrlimit(2); "
        "cgroup-v2.rst, \"PID\"",
    .run = run,
};

}  // namespace gpuinit::checks
