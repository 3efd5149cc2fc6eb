// What this machine and this container allow a process: processor, shared memory,
// locked memory, RDMA devices.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::node {

// As `uname -m` says: "x86_64", "aarch64".
Fact<std::string> read_machine();

// Size and free space of the file system that holds /dev/shm. Where nothing is mounted
// there it is that of /dev itself, which is just what a program gets.
Fact<SharedMemory> read_shared_memory(const base::RootFs& fs);

// Of this process, which the command inherits.
Limits read_limits(const base::RootFs& fs);

// Whether CAP_IPC_LOCK (14) is in the line "CapEff:" of a /proc/PID/status.
std::optional<bool> has_ipc_lock(std::string_view status);

// /dev/infiniband/uverbs*: the devices that an RDMA program opens.
Fact<std::vector<std::string>> read_rdma_devices(const base::RootFs& fs);

}  // namespace gpuinit::node
