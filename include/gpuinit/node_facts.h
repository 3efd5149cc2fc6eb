// What the node brought: driver, devices, limits, environment. The rules of facts.h hold.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gpuinit/fact.h"

namespace gpuinit {

// The ELF note .note.cuda.fwd_compatibility of a forward-compat libcuda.
// Source: NVIDIA container toolkit, cmd/nvidia-cdi-hook/cudacompat.
struct CompatNote {
  std::string cuda_version;           // "12.9"
  std::vector<int> driver_branches;   // kernel driver majors it may run on; empty: not said

  bool operator==(const CompatNote&) const = default;
};

// The libcuda.so.1 that the loader will pick: the user-mode driver (UMD).
struct LibCuda {
  std::string path;            // where the search found it
  std::string real_path;       // libcuda.so.535.104.05
  std::string found_by;        // "LD_LIBRARY_PATH", "ld.so.cache", "default directory"
  std::string kind;            // "driver", "stub", "forward-compat"
  Fact<std::string> version;   // driver release it belongs to, "535.104.05"
  Fact<CompatNote> compat_note;  // absent: the library carries no note

  bool operator==(const LibCuda&) const = default;
};

struct Driver {
  Fact<std::string> kernel_version;  // KMD; absent: no NVIDIA kernel module is loaded
  Fact<std::string> cuda_version;    // cuDriverGetVersion, "12.2"
  Fact<LibCuda> libcuda;             // absent: the loader will find none

  bool operator==(const Driver&) const = default;
};

struct DeviceNode {
  std::string path;    // "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/dxg"
  int open_errno = 0;  // errno of open(O_RDWR); 0: it opened

  bool operator==(const DeviceNode&) const = default;
};

// What became of one context and one kernel on a device.
struct ContextTrial {
  std::string step;            // the last driver call that was made, "cuLaunchKernel"
  int cuda_error = 0;          // its CUresult; 0: everything up to the read-back worked
  bool kernel_ran = false;     // false with cuda_error 0: only memory operations could be tried, see `note`
  bool result_correct = false; // what was read back is what should have been there
  std::string note;            // "PTX JIT is switched off: CUDA error 223"
  double milliseconds = 0;

  bool operator==(const ContextTrial&) const = default;
};

struct Device {
  Fact<std::string> name;                // "NVIDIA H100 80GB HBM3"
  Fact<std::string> uuid;                // "GPU-…" or "MIG-…"
  Fact<std::string> compute_capability;  // "9.0"
  Fact<std::uint64_t> memory_bytes;
  Fact<std::uint64_t> memory_free_bytes;
  Fact<bool> mig;                        // the device is a MIG instance
  Fact<std::string> compute_mode;        // "default", "exclusive-process", "prohibited"
  Fact<ContextTrial> context;            // unknown: not asked for

  bool operator==(const Device&) const = default;
};

// What became of the CUDA probe itself.
struct ProbeRun {
  enum class Outcome {
    kAnswered,     // a whole answer arrived
    kTimedOut,     // killed at probe.timeout
    kCrashed,      // ended by a signal
    kExited,       // ended without a whole answer
    kGarbled,      // said something that is not the protocol
    kNoLoader,     // the image lacks the glibc loader the probe (and libcuda) needs
    kNotStarted,   // fork, memfd or exec was refused
  };
  Outcome outcome = Outcome::kNotStarted;
  std::string detail;      // one clause with the signal, exit status or offending line
  std::string last_step;   // the call it was in: "dlopen", "cuInit", "cuDevicePrimaryCtxRetain 0"
  Fact<std::string> load_error;  // dlerror of libcuda.so.1; absent: it loaded
  Fact<int> init_error;          // CUresult of cuInit; 0: success
  double milliseconds = 0;

  bool operator==(const ProbeRun&) const = default;
};

struct NodeFacts {
  Driver driver;
  Fact<std::vector<DeviceNode>> device_nodes;
  Fact<std::vector<Device>> devices;  // as the driver enumerates them under this environment
  Fact<std::map<std::string, std::string>> environment;  // the variables that steer CUDA, only those set
  Fact<ProbeRun> probe;               // unknown: not run, with the reason

  bool operator==(const NodeFacts&) const = default;
};

}  // namespace gpuinit
