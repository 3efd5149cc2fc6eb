#include "launch/postmortem.h"

#include <sys/statvfs.h>

#include <csignal>
#include <cstdio>

#include "base/signal_name.h"

namespace gpuinit::launch {

namespace {

constexpr std::uint64_t kDockersSharedMemory = 64ULL * 1024 * 1024;

std::string bytes(std::uint64_t count) {
  char text[40];
  const auto value = static_cast<double>(count);
  if (count >= (std::uint64_t{1} << 30))
    std::snprintf(text, sizeof text, "%.1f GiB", value / (1 << 30));
  else if (count >= (1U << 20)) std::snprintf(text, sizeof text, "%.1f MiB", value / (1 << 20));
  else std::snprintf(text, sizeof text, "%llu bytes", static_cast<unsigned long long>(count));
  return text;
}

std::string how_it_ended(const CommandEnd& end) {
  if (!end.known) return "the command ended, how is not known";
  if (end.signal == 0) return "the command exited with " + std::to_string(end.status);
  return "the command was ended by " + base::signal_name(end.signal) +
         (end.core_dumped ? " (core dumped)" : "");
}

// The peak lags behind the limit by what the kernel could still take back.
bool reached_limit(const base::CgroupMemory& memory) {
  return memory.limit && memory.peak && *memory.peak >= *memory.limit - *memory.limit / 20;
}

// Killed for memory, or by somebody else: only the count before and after tells. It
// counts every OOM killer's victims, the node's too, but only in this very cgroup.
std::string about_memory(const Scene& scene) {
  const base::CgroupMemory& memory = scene.memory;
  std::string numbers;
  if (memory.limit) numbers += "limit " + bytes(*memory.limit);
  if (memory.peak) numbers += (numbers.empty() ? "peak " : ", peak ") + bytes(*memory.peak);
  if (!numbers.empty()) numbers = " (" + numbers + ")";
  if (!memory.oom_kills || !scene.oom_kills_before) {
    if (scene.end.signal != SIGKILL) return "";
    return "whether the memory limit killed it cannot be read here" + numbers;
  }
  const std::uint64_t kills =
      *memory.oom_kills > *scene.oom_kills_before ? *memory.oom_kills - *scene.oom_kills_before : 0;
  if (kills == 0)
    return scene.end.signal == SIGKILL ? "the kernel killed nothing in this memory cgroup" +
                                             numbers + ": somebody sent the SIGKILL"
                                       : "";
  const std::string what = kills == 1 ? "one process" : std::to_string(kills) + " processes";
  if (!reached_limit(memory))
    return "the kernel killed " + what + " for lack of memory meanwhile" + numbers +
           ": the node or a cgroup above this one ran short; request more memory or use less";
  return "the container's memory limit killed " + what + " meanwhile" + numbers +
         ": raise the limit or use less memory (fewer DataLoader workers, smaller batches)";
}

std::string about_shared_memory(const Scene& scene) {
  const SharedMemory& shared = scene.shared_memory;
  if (shared.size == 0) return "";
  if (shared.free < shared.size / 20)
    return "/dev/shm is full (" + bytes(shared.free) + " free of " + bytes(shared.size) +
           "): give the container more (docker run --shm-size, a Memory emptyDir)";
  if (scene.end.signal == SIGBUS && shared.size <= kDockersSharedMemory)
    return "/dev/shm has only " + bytes(shared.size) +
           ", and SIGBUS is what a DataLoader gets when it is full: docker run --shm-size";
  return "";
}

std::string about_driver(const DriverAnswer& driver) {
  if (!driver.asked) return "";
  if (driver.lost)
    return "the driver does not answer as it should (" + driver.detail +
           "): a GPU may have fallen off the bus; the node's kernel log has the Xid";
  return "the driver still answers (" + driver.detail + ")";
}

}  // namespace

SharedMemory read_shared_memory() {
  struct statvfs status {};
  if (::statvfs("/dev/shm", &status) != 0) return {};
  return {std::uint64_t{status.f_blocks} * status.f_frsize,
          std::uint64_t{status.f_bavail} * status.f_frsize};
}

std::string describe_scene(const Scene& scene) {
  const CommandEnd& end = scene.end;
  if (end.known && end.signal == 0 && end.status == 0) return "";
  std::string text = how_it_ended(end);
  for (const std::string& part :
       {about_memory(scene), about_shared_memory(scene), about_driver(scene.driver)})
    if (!part.empty()) text += "; " + part;
  return text;
}

}  // namespace gpuinit::launch
