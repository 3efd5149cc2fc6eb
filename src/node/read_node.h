// The half of the node's facts that can be read from files, and the reader of each. The driver
// itself is asked by src/probe, whose part (devices, cuda_version, probe) stays unknown here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/node_facts.h"

namespace gpuinit::node {

using Environment = std::map<std::string, std::string>;

struct NodeQuery {
  const base::RootFs& fs;   // the machine's own tree, "/"
  Environment environment;  // of the command
};

// Fills everything but devices, driver.cuda_version and probe.
// Opens and closes each NVIDIA device node once (see read_device_nodes).
NodeFacts read_node(const NodeQuery& query);

// --- kernel_driver.cpp

// From /proc/driver/nvidia/version, or /sys/module/nvidia/version.
//
// Absent only where a Linux /proc and /sys can be read and neither knows the
// module nor is there any sign of another kind of driver. Unknown otherwise:
// WSL (the driver is Windows'), Tegra (its releases are numbered differently,
// "35.3.1"), sandboxes that hide /proc/driver but pass the devices on.
Fact<std::string> read_kernel_version(const base::RootFs& fs);

// The release in the "NVRM version:" line of /proc/driver/nvidia/version, e.g.
//   NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 …
//   NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build …
// nullopt if there is no such line or no release in it.
std::optional<std::string> nvrm_version(std::string_view proc_text);

// --- libcuda.cpp

// What torch's dlopen("libcuda.so.1") will get under `environment`.
//
// kind "stub": the toolkit's link-time library, which answers every call with an
// error: it lies below a directory `stubs`, or it needs no other library (every
// real driver calls libc).
// kind "forward-compat": from a cuda-compat package, a newer libcuda on an older
// kernel module: it lies in a compat directory of a CUDA installation, or carries
// NVIDIA's note and is of another release than the kernel module. (The note alone
// does not say so: a driver's own library may be the same build.)
// Source: NVIDIA container toolkit, cmd/nvidia-cdi-hook/cudacompat.
//
// Absent: the loader finds none. Unknown: the search met a file or cache that
// it could not read.
Fact<LibCuda> read_libcuda(const base::RootFs& fs, const Environment& environment,
                           const Fact<std::string>& kernel_version);

// A libcuda.so.1 where WSL, GKE and Colab keep it; the loader need not look there.
Fact<std::string> find_libcuda_elsewhere(const base::RootFs& fs);

// NVIDIA's management library, which the container runtime brings for the capability
// `utility`, whether or not it brings libcuda. Absent and unknown as above.
Fact<std::string> find_libnvidia_ml(const base::RootFs& fs, const Environment& environment);

// --- kernel_gpus.cpp

// Every GPU below /proc/driver/nvidia/gpus, by bus id. In a container these may be all
// GPUs of the node, or those that the container runtime left visible. Unknown: there is
// no such directory (no driver, WSL, Tegra, a sandbox), or it cannot be read.
Fact<std::vector<KernelGpu>> read_kernel_gpus(const base::RootFs& fs);

// From the text of an `information` file:
//   Model:           NVIDIA H100 80GB HBM3
//   GPU UUID:        GPU-eaf23aa1-4d3d-596c-da66-b86b0e5db584
//   Device Minor:    0
// A UUID with question marks is that of a GPU which the driver has not started yet.
KernelGpu parse_kernel_gpu(std::string bus_id, std::string_view text);

// --- device_nodes.cpp

// The GPUs in the order of their numbers, then nvidiactl, nvidia-uvm, nvidia-uvm-tools,
// nvidia-modeset and WSL's dxg, then those of /dev/nvidia-caps. Each is opened once and
// closed: only an open shows what a device cgroup allows, no permission bit does. The open
// is O_RDWR (O_RDONLY below nvidia-caps, as the driver itself opens them) and O_NONBLOCK,
// which keeps the driver from waiting for a GPU to initialise.
//
// What is not a character device (the empty directory that `docker -v /dev/nvidia0` leaves
// where the host has none) is left out. Unknown: /dev is unreadable.
Fact<std::vector<DeviceNode>> read_device_nodes(const base::RootFs& fs);

// --- environment.cpp

// Those of `environment` that are set, empty values included: an empty
// CUDA_VISIBLE_DEVICES hides every GPU, an unset one none. Others stay out of
// the facts, which people attach to bug reports.
Environment cuda_environment(const Environment& environment);

// Sources: CUDA C++ Programming Guide, "CUDA Environment Variables"; NVIDIA container toolkit,
// "Specialized Configurations".
bool steers_cuda(std::string_view name);

// --- jit_cache.cpp

// The cache directory of CUDA_CACHE_PATH, else $HOME/.nv/ComputeCache, and whether this
// process could write there: the directory itself, or the nearest one above it that
// exists, since the driver makes what is missing. Nothing is written or made.
// Source: CUDA Programming Guide, "CUDA Environment Variables".
//
// Unknown: neither variable is set, or it is not an absolute path.
Fact<JitCache> read_jit_cache(const base::RootFs& fs, const Environment& environment);

// --- writable_places.cpp

// Whether this process could write into `path`, or make it, as above; name and `filled` are left.
WritablePlace look_at_place(const base::RootFs& fs, std::string path);

// Where Python makes temporary files (of the directories that it tries, the first that will do),
// and the caches of Triton, vLLM and FlashInfer. Those are left out whose place hangs on a HOME
// that is not set. `tempfile` also tries the working directory, which is taken to be no wish.
// Sources: CPython, Lib/tempfile.py; Triton, python/triton/knobs.py; vLLM, vllm/envs.py;
// FlashInfer, flashinfer/jit/env.py.
std::vector<WritablePlace> read_places(const base::RootFs& fs, const Environment& environment);

// --- tasks.cpp

// What a filter makes of clone3(2), asked in a child of its own: a filter may kill. Where
// `status`, a /proc/self/status, shows no filter, nobody is asked.
Fact<int> read_clone3_errno(std::string_view status);

// What RLIMIT_NPROC and the cgroups leave.
Fact<std::uint64_t> read_tasks_left(const base::RootFs& fs, std::string_view status);

Fact<std::uint64_t> read_cpus();

// --- limits.cpp

// As `uname -m` says: "x86_64", "aarch64".
Fact<std::string> read_machine();

// What no emulator between this process and the kernel says otherwise.
Fact<std::string> read_kernel_machine(const base::RootFs& fs);

// Of the CPU that this runs on, where the machine is "x86_64".
Fact<std::string> read_cpu_level(const Fact<std::string>& machine);

// Size and free space of the file system that holds /dev/shm. Where nothing is mounted
// there it is that of /dev itself, which is just what a program gets.
Fact<SharedMemory> read_shared_memory(const base::RootFs& fs);

// Of this process, which the command inherits.
Limits read_limits(const base::RootFs& fs);

// Whether the capability of that number is in the line "CapEff:" of a /proc/PID/status; nullopt
// if there is no such line.
std::optional<bool> has_capability(std::string_view status, unsigned number);

// /dev/infiniband/uverbs*: the devices that an RDMA program opens.
Fact<std::vector<std::string>> read_rdma_devices(const base::RootFs& fs);

}  // namespace gpuinit::node
