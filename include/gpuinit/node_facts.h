// What the node brought: driver, devices, limits, environment. The rules of facts.h hold.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gpuinit/compat_note.h"
#include "gpuinit/fact.h"
#include "gpuinit/probe_run.h"

namespace gpuinit {

// The libcuda.so.1 that the loader will pick: the user-mode driver (UMD).
struct LibCuda {
  std::string path;              // where the search found it
  std::string real_path;         // libcuda.so.535.104.05
  std::string found_by;          // "LD_LIBRARY_PATH", "ld.so.cache", "default directory"
  std::string kind;              // "driver", "stub", "forward-compat"
  Fact<std::string> version;     // driver release it belongs to, "535.104.05"
  Fact<CompatNote> compat_note;  // absent: the library carries no note
  // Real paths of further libcuda.so.1 that it stands in front of, in search order.
  std::vector<std::string> hides;
  bool operator==(const LibCuda&) const = default;
};

struct Driver {
  Fact<std::string> kernel_version;  // KMD; absent: no NVIDIA kernel module is loaded
  Fact<std::string> cuda_version;    // cuDriverGetVersion, "12.2"
  Fact<LibCuda> libcuda;             // absent: the loader will find none
  // Where it is absent: a libcuda.so.1 in a directory that the loader does not look into.
  Fact<std::string> libcuda_elsewhere;
  Fact<std::string> libnvidia_ml;  // path of the libnvidia-ml.so.1 that the loader will find
  bool operator==(const Driver&) const = default;
};

// A GPU as the kernel driver lists it in /proc/driver/nvidia/gpus/<bus id>/information.
// A container may see every GPU of the node there, not only those it was given.
struct KernelGpu {
  std::string bus_id;      // "0000:01:00.0"
  Fact<std::string> name;  // "NVIDIA H100 80GB HBM3"
  Fact<std::string> uuid;  // "GPU-…"; unknown before the driver has started the GPU
  Fact<int> minor;         // its device file is /dev/nvidia<minor>
  bool operator==(const KernelGpu&) const = default;
};

struct DeviceNode {
  std::string path;    // "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/dxg"
  int open_errno = 0;  // errno of open(O_RDWR); 0: it opened
  bool operator==(const DeviceNode&) const = default;
};

// What became of one context and one kernel on a device.
struct ContextTrial {
  std::string step;    // the last driver call that was made, "cuLaunchKernel"
  int cuda_error = 0;  // its CUresult; 0: everything up to the read-back worked
  bool kernel_ran =
      false;  // false with cuda_error 0: only memory operations could be tried, see `note`
  bool result_correct = false;  // what was read back is what should have been there
  std::string note;             // "PTX JIT is switched off: CUDA error 223"
  double milliseconds = 0;
  bool operator==(const ContextTrial&) const = default;
};

struct Device {
  Fact<std::string> name;                // "NVIDIA H100 80GB HBM3"
  Fact<std::string> uuid;                // "GPU-…" or "MIG-…"
  Fact<std::string> compute_capability;  // "9.0"
  Fact<std::uint64_t> memory_bytes;
  Fact<std::uint64_t> memory_free_bytes;
  Fact<bool> mig;                  // the device is a MIG instance
  Fact<std::string> compute_mode;  // "default", "exclusive-process", "prohibited"
  Fact<ContextTrial> context;      // unknown: not asked for
  bool operator==(const Device&) const = default;
};

// Where the driver keeps what its JIT compiler made: CUDA_CACHE_PATH, else
// $HOME/.nv/ComputeCache, for the user that gpuinit and the command run as.
struct JitCache {
  std::string path;
  int write_errno = 0;  // errno of writing there, or of making the directory; 0: it can be done
  Fact<std::uint64_t> free_bytes;  // of its file system, for that user
  bool operator==(const JitCache&) const = default;
};

// A directory that programs write to at their start, as JitCache.
struct WritablePlace {
  std::string name;  // the variable that moves it: "TMPDIR", "TRITON_CACHE_DIR"
  std::string path;
  int write_errno = 0;
  Fact<std::uint64_t> free_bytes;
  bool noexec = false;  // mounted so that no code can be loaded from there
  bool filled = false;  // something is in it, perhaps compiled before; only of a cache of code
  bool operator==(const WritablePlace&) const = default;
};

// The file system on /dev/shm.
struct SharedMemory {
  std::uint64_t bytes = 0;
  std::uint64_t free_bytes = 0;
  bool operator==(const SharedMemory&) const = default;
};

struct Limits {
  Fact<std::uint64_t> memlock_bytes;  // RLIMIT_MEMLOCK, soft; absent: unlimited
  Fact<bool> ipc_lock;                // CAP_IPC_LOCK is effective, which lifts that limit
  // errno of a clone3(2) that asks for nothing: EINVAL where the call is allowed, ENOSYS where
  // glibc falls back to clone(2), EPERM where a filter lets every pthread_create(3) fail.
  Fact<int> clone3_errno = {};
  // How many tasks (processes and threads) may still be made here: the least that RLIMIT_NPROC,
  // which does not bind root, and pids.max of the cgroups leave. Absent: no limit.
  Fact<std::uint64_t> tasks_left = {};
  Fact<std::uint64_t> cpus = {};  // that this process may run on: sched_getaffinity(2)
  bool operator==(const Limits&) const = default;
};

struct NodeFacts {
  Fact<std::string> machine;  // processor, as `uname -m` says: "x86_64", "aarch64"
  // That of the kernel, whatever an emulator such as qemu-user says `machine` is. Unknown before
  // Linux 6.1. Source: Linux, Documentation/admin-guide/sysctl/kernel.rst, arch
  Fact<std::string> kernel_machine;
  // "x86-64-v1" to "x86-64-v4", as glibc tells them. Absent: another processor.
  // Source: x86-64 psABI, "Micro-Architecture Levels"; glibc, sysdeps/x86/get-isa-level.h.
  Fact<std::string> cpu_level;
  Driver driver;
  Fact<std::vector<KernelGpu>> kernel_gpus;
  Fact<std::vector<DeviceNode>> device_nodes;
  Fact<std::vector<Device>> devices;  // as the driver enumerates them under this environment
  // The variables that steer CUDA; only those that are set.
  Fact<std::map<std::string, std::string>> environment;
  Fact<ProbeRun> probe;  // unknown: not run, with the reason
  Fact<JitCache> jit_cache;
  Fact<std::vector<WritablePlace>> places;
  Fact<SharedMemory> shared_memory;  // absent: there is no /dev/shm
  Limits limits;
  Fact<std::vector<std::string>> rdma_devices;  // "/dev/infiniband/uverbs0"
  bool operator==(const NodeFacts&) const = default;
};

}  // namespace gpuinit
