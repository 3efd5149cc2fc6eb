// What this machine and this container allow a process.
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <cerrno>

#include "base/text.h"
#include "ldso/loader_rules.h"
#include "node/read_node.h"

namespace gpuinit::node {

namespace {

constexpr unsigned kCapIpcLock = 14;  // linux/capability.h
constexpr std::size_t kMaxDevices = 64;
constexpr std::uint64_t kMaxText = 64ULL * 1024;

}  // namespace

Fact<std::string> read_machine() {
  struct utsname name {};
  if (::uname(&name) != 0) return Fact<std::string>::unknown(errno_error("uname").message);
  return std::string(name.machine);
}

Fact<std::string> read_kernel_machine(const base::RootFs& fs) {
  auto text = fs.read_file("/proc/sys/kernel/arch", kMaxText);
  if (!text) return Fact<std::string>::unknown(text.error().message);
  return std::string(base::trim(*text));
}

Fact<std::string> read_cpu_level(const Fact<std::string>& machine) {
  if (machine != Fact<std::string>("x86_64"))
    return machine ? Fact<std::string>::absent("not an x86-64 machine") : machine;
  auto levels = ldso::supported_hwcaps(*machine);
  return levels.empty() ? "x86-64-v1" : std::move(levels.front());
}

Fact<SharedMemory> read_shared_memory(const base::RootFs& fs) {
  using Memory = Fact<SharedMemory>;
  const auto place = fs.look_at("/dev/shm");
  if (!place) {
    if (place.error().code == ENOENT) return Memory::absent("there is no /dev/shm");
    return Memory::unknown(place.error().message);
  }
  struct statvfs space {};
  if (::fstatvfs(place->get(), &space) != 0)
    return Memory::unknown(errno_error("statvfs /dev/shm").message);
  return SharedMemory{std::uint64_t{space.f_blocks} * space.f_frsize,
                      std::uint64_t{space.f_bavail} * space.f_frsize};
}

std::optional<bool> has_capability(std::string_view status, unsigned number) {
  constexpr std::string_view kKey = "CapEff:";
  for (auto line : base::split_lines(status)) {
    if (!line.starts_with(kKey)) continue;
    const auto set = base::parse_number(base::trim(line.substr(kKey.size())), 16);
    if (!set) return std::nullopt;
    return ((*set >> number) & 1U) != 0;
  }
  return std::nullopt;
}

Limits read_limits(const base::RootFs& fs) {
  Limits limits;
  struct rlimit memlock {};
  if (::getrlimit(RLIMIT_MEMLOCK, &memlock) != 0)
    limits.memlock_bytes = Fact<std::uint64_t>::unknown(errno_error("getrlimit").message);
  else if (memlock.rlim_cur == RLIM_INFINITY)
    limits.memlock_bytes = Fact<std::uint64_t>::absent("unlimited");
  else limits.memlock_bytes = std::uint64_t{memlock.rlim_cur};
  auto status = fs.read_kernel_file("/proc/self/status", kMaxText);
  const std::string text = status ? *std::move(status) : std::string();
  limits.clone3_errno = read_clone3_errno(text);
  limits.tasks_left = read_tasks_left(fs, text);
  limits.cpus = read_cpus();
  const auto capable = has_capability(text, kCapIpcLock);
  if (capable) limits.ipc_lock = *capable;
  else limits.ipc_lock = Fact<bool>::unknown("/proc/self/status does not show the capabilities");
  return limits;
}

Fact<std::vector<std::string>> read_rdma_devices(const base::RootFs& fs) {
  using Devices = std::vector<std::string>;
  constexpr const char* kDirectory = "/dev/infiniband";
  auto names = fs.list(kDirectory);
  if (!names) {
    if (names.error().code == ENOENT) return Devices();
    return Fact<Devices>::unknown(names.error().message);
  }
  Devices devices;
  for (const auto& name : *names)
    if (name.starts_with("uverbs") && devices.size() < kMaxDevices)
      devices.push_back(base::join(kDirectory, name));
  return devices;
}

}  // namespace gpuinit::node
