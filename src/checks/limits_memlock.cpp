// limits.memlock: the limit on locked memory is too low for RDMA.
#include "base/byte_size.h"
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// Defaults are 64 KiB and 8 MiB; the buffers that NCCL registers are larger.
constexpr std::uint64_t kLowMemlock = 64 * base::kMiB;

Findings run(const Context& context) {
  const NodeFacts& node = context.node;
  if (!node.rdma_devices || node.rdma_devices->empty()) return {};
  const auto& limit = node.limits.memlock_bytes;
  if (limit.is_unknown()) return unknown("the limit on locked memory is not known", limit.reason());
  if (!limit || *limit >= kLowMemlock) return {};
  if (!node.limits.ipc_lock)
    return unknown("cannot tell whether the limit on locked memory counts",
                   node.limits.ipc_lock.reason());
  if (*node.limits.ipc_lock) return {};
  Finding finding = failure(kExitNode, "only " + base::mebibytes(*limit) +
                                           " of memory may be locked, and RDMA devices are there");
  add_evidence(finding, "RLIMIT_MEMLOCK", base::mebibytes(*limit));
  add_evidence(finding, "RDMA devices", listed(*node.rdma_devices, 4));
  finding.why =
      "RDMA locks the buffers it transfers. NCCL and UCX then fail to register memory (\"Cannot "
      "allocate memory\" from ibv_reg_mr or ibv_create_cq), or fall back to slow TCP.";
  finding.fix =
      "docker or podman: --ulimit memlock=-1, or --cap-add IPC_LOCK. Kubernetes: add the "
      "capability IPC_LOCK, or raise LimitMEMLOCK of the container runtime's service.";
  return finding;
}

}  // namespace

extern constexpr Check kLimitsMemlock{
    .id = "limits.memlock",
    .level = Level::kWarn,
    .exit_codes = "69",
    .needs_gpu = true,
    .title = "the limit on locked memory is too low for RDMA",
    .looks_at =
        "RLIMIT_MEMLOCK below 64 MiB, where /dev/infiniband/uverbs* are in the container and "
        "CAP_IPC_LOCK is not effective.",
    .why =
        "RDMA locks the memory that it transfers: NCCL and UCX fail to register buffers (\"Cannot "
        "allocate memory\"), or fall back to slow TCP.",
    .fix =
        "docker or podman: --ulimit memlock=-1 or --cap-add IPC_LOCK. Kubernetes: the capability "
        "IPC_LOCK, or LimitMEMLOCK=infinity for the container runtime's service.",
    .source = "NCCL User Guide, \"Troubleshooting\"; getrlimit(2), RLIMIT_MEMLOCK",
    .run = run,
};

}  // namespace gpuinit::checks
