// Everything gpuinit found: what the image brought and what the node brought.
//
// Plain data. Readers (src/image, src/node, src/probe) fill it, checks judge it,
// src/report writes it as JSON and reads it back without loss. Paths are as seen
// inside the root (`--root`), always absolute. Versions are text as found
// ("12.8", "535.104.05"); src/rules compares them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gpuinit/fact.h"

namespace gpuinit {

// --- Image -----------------------------------------------------------------

// The Python that the command will run in.
struct Interpreter {
  std::string path;            // as the command will exec it, e.g. /opt/venv/bin/python
  std::string real_path;       // the same with every symlink resolved inside the root
  std::string chosen_because;  // one clause: "`python` found on PATH", "shebang of /opt/venv/bin/torchrun"
  bool from_command = false;   // false: the command could not be followed, this is the fallback
  Fact<std::string> version;   // "3.12.4", or "3.12" when the micro version is not in the files
  Fact<std::string> soabi;     // "cpython-312-x86_64-linux-gnu", "cpython-313t-…", "cpython-311d-…"
  Fact<std::string> soabi_source;  // which file said so
  Fact<std::string> machine;   // ELF machine: "x86_64", "aarch64"
  Fact<std::string> libc;      // "glibc", "musl", "static"
  Fact<std::string> libpython; // SONAME it needs; absent: linked in statically
  Fact<std::string> environment;  // "system", "venv", "conda", "pyenv"
  Fact<std::string> prefix;       // sys.prefix
  Fact<std::string> base_prefix;  // sys.base_prefix
  Fact<std::vector<std::string>> sys_path;  // in order, existing directories and zips only
  std::vector<std::string> sys_path_notes;  // what may add to sys.path and cannot be read (`import` lines in .pth)

  bool operator==(const Interpreter&) const = default;
};

// Containers of the fatbin sections that hold exactly the same set of targets.
// Groups, not totals, because coverage of a device is counted in containers.
struct FatbinGroup {
  std::vector<std::string> targets;  // "sm_90", "sm_90a", "sm_100f", "compute_90" (PTX); sorted, unique
  Fact<std::string> ptx_isa;         // highest PTX ISA of the group, "8.4"; absent: no PTX in it
  std::uint64_t containers = 0;

  bool operator==(const FatbinGroup&) const = default;
};

// Device code in torch's CUDA libraries.
struct DeviceCode {
  std::vector<std::string> files;                // the libraries that were read
  std::map<std::string, std::uint64_t> entries;  // target → fatbin entries, as `cuobjdump --list-elf/--list-ptx` counts
  std::vector<FatbinGroup> groups;

  bool operator==(const DeviceCode&) const = default;
};

struct Torch {
  std::string path;            // the package directory, or the torch.py that would be imported
  std::string sys_path_entry;  // the sys.path entry it was found on
  std::vector<std::string> shadowed;  // further torch packages later on sys.path, that this one hides
  Fact<std::string> layout;    // "wheel", "conda", "debian", "ngc", "source"
  Fact<std::string> version;   // torch/version.py, "2.8.0+cu128"
  Fact<std::string> metadata_version;  // dist-info or egg-info; absent: no metadata
  Fact<std::string> cuda;      // torch/version.py `cuda`, "12.8"; absent: not a CUDA build
  Fact<std::string> hip;       // torch/version.py `hip`; absent: not a ROCm build
  Fact<std::string> soabi;     // of `torch/_C.<soabi>.so` (the interpreter's own if it is among several); absent: no such file
  std::vector<std::string> soabis;      // of every `torch/_C.*.so`
  Fact<std::string> machine;            // ELF machine of `_C`
  Fact<bool> exports_init;              // `_C` exports PyInit__C
  Fact<std::vector<std::string>> missing_python_symbols;  // Py* that torch needs and this interpreter does not export
  Fact<std::vector<std::string>> wheel_tags;  // dist-info/WHEEL `Tag:`; absent: not a wheel
  Fact<bool> cxx11_abi;        // _GLIBCXX_USE_CXX11_ABI of libc10
  Fact<std::vector<std::string>> missing_files;  // files that an installation must have and this one lacks
  Fact<std::vector<std::string>> arch_list;      // torch.cuda.get_arch_list(), from libtorch_python; absent: CPU build
  Fact<DeviceCode> device_code;                  // absent: no libtorch_cuda

  bool operator==(const Torch&) const = default;
};

// The libcudart that torch will get.
struct CudaRuntime {
  std::string soname;     // what torch asks for: "libcudart.so.12"
  std::string path;       // as the loader or torch's own preload finds it
  std::string found_by;   // "RPATH of …", "LD_LIBRARY_PATH", "ld.so.cache", "torch preload from sys.path"
  Fact<std::string> version;         // "12.8.90", or "12.8"
  Fact<std::string> version_source;  // which file said so

  bool operator==(const CudaRuntime&) const = default;
};

struct ImageFacts {
  std::string root;                   // as given with --root, "/" otherwise
  std::vector<std::string> command;
  Fact<Interpreter> interpreter;      // absent: the image has no Python that the command could use
  Fact<Torch> torch;                  // absent: nothing on sys.path is called torch
  Fact<CudaRuntime> cuda_runtime;     // absent: torch needs none, or needs one that is not there

  bool operator==(const ImageFacts&) const = default;
};

// --- Node ------------------------------------------------------------------

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

struct Facts {
  ImageFacts image;
  NodeFacts node;

  bool operator==(const Facts&) const = default;
};

}  // namespace gpuinit
