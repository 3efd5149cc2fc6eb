// limits.shm and limits.memlock: what the container may share and lock is too little.
#include "base/byte_size.h"
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

using base::kMiB;
using base::mebi_or_kibibytes;

// What docker and the kubelet give a container that asks for nothing.
constexpr std::uint64_t kDefaultShm = 64 * kMiB;
// A batch of a data loader is often larger than that.
constexpr std::uint64_t kFullShm = 16 * kMiB;
// Defaults are 64 KiB and 8 MiB; the buffers that NCCL registers are larger.
constexpr std::uint64_t kLowMemlock = 64 * kMiB;

}  // namespace

Findings check_limits_shm(const Context& context) {
  if (auto finding = context.no_gpu_needed()) return one(std::move(finding));
  if (!context.image.torch) return {};
  const auto& memory = context.node.shared_memory;
  if (memory.is_unknown())
    return one(unknown("the size of /dev/shm is not known" + because(memory.reason())));
  const bool full = memory && memory->bytes > kDefaultShm && memory->free_bytes < kFullShm;
  if (memory && memory->bytes > kDefaultShm && !full) return {};
  Finding finding =
      failure(kExitNode, !memory ? std::string("there is no /dev/shm")
                         : full  ? "/dev/shm is full: " + mebi_or_kibibytes(memory->free_bytes) +
                                      " of " + mebi_or_kibibytes(memory->bytes) + " are free"
                                : "/dev/shm has only " + mebi_or_kibibytes(memory->bytes));
  note(finding, "/dev/shm",
       memory ? mebi_or_kibibytes(memory->bytes) + ", " + mebi_or_kibibytes(memory->free_bytes) +
                    " free"
              : "none");
  finding.why =
      "Data loader workers hand their batches over in shared memory, and NCCL talks through it "
      "between processes: \"DataLoader worker is killed by signal: Bus error\", \"unhandled system "
      "error\". A single process without workers does not need it.";
  finding.fix = full
                    ? "Look for what other processes left in /dev/shm, or make it larger."
                    : "docker or podman: --shm-size=8g or --ipc=host. Kubernetes: an emptyDir with "
                      "`medium: Memory` mounted at /dev/shm.";
  return one(finding);
}

Findings check_limits_memlock(const Context& context) {
  if (auto finding = context.no_gpu_needed()) return one(std::move(finding));
  const NodeFacts& node = context.node;
  if (!node.rdma_devices || node.rdma_devices->empty()) return {};
  const auto& limit = node.limits.memlock_bytes;
  if (limit.is_unknown())
    return one(unknown("the limit on locked memory is not known" + because(limit.reason())));
  if (!limit || *limit >= kLowMemlock) return {};
  if (!node.limits.ipc_lock)
    return one(unknown("cannot tell whether the limit on locked memory counts" +
                       because(node.limits.ipc_lock.reason())));
  if (*node.limits.ipc_lock) return {};
  Finding finding = failure(kExitNode, "only " + mebi_or_kibibytes(*limit) +
                                           " of memory may be locked, and RDMA devices are there");
  note(finding, "RLIMIT_MEMLOCK", mebi_or_kibibytes(*limit));
  note(finding, "RDMA devices", listed(*node.rdma_devices, 4));
  finding.why =
      "RDMA locks the buffers it transfers. NCCL and UCX then fail to register memory (\"Cannot "
      "allocate memory\" from ibv_reg_mr or ibv_create_cq), or fall back to slow TCP.";
  finding.fix =
      "docker or podman: --ulimit memlock=-1, or --cap-add IPC_LOCK. Kubernetes: add the "
      "capability IPC_LOCK, or raise LimitMEMLOCK of the container runtime's service.";
  return one(finding);
}

}  // namespace gpuinit::checks
