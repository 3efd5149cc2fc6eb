#include "launch/postmortem.h"

#include <sys/statvfs.h>

#include <csignal>

#include "base/byte_size.h"
#include "base/signal_name.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::launch {

namespace {

using base::byte_size;

constexpr std::uint64_t kDockersSharedMemory = 64 * base::kMiB;

std::string how_it_ended(const CommandEnd& end) {
  if (!end.known) return "how the command ended is not known";
  if (end.signal == 0) return "the command exited with " + std::to_string(end.status);
  return "the command was ended by " + base::signal_name(end.signal) +
         (end.core_dumped ? " (core dumped)" : "");
}

// The peak lags behind the limit by what the kernel could still take back.
bool reached_limit(const base::CgroupMemory& memory) {
  return memory.limit && memory.peak && *memory.peak >= *memory.limit - *memory.limit / 20;
}

// Killed for memory, or by a SIGKILL that was sent: only the count before and after shows it.
// It counts every OOM killer's victims, the node's too, but only in this very cgroup.
std::string about_memory(const ExitContext& context) {
  const base::CgroupMemory& memory = context.memory;
  std::string numbers;
  if (memory.limit) numbers += "limit " + byte_size(*memory.limit);
  if (memory.peak) numbers += (numbers.empty() ? "peak " : ", peak ") + byte_size(*memory.peak);
  if (!numbers.empty()) numbers = " (" + numbers + ")";
  if (!memory.oom_kills || !context.oom_kills_before) {
    if (context.end.signal != SIGKILL) return "";
    return "whether the memory limit killed it cannot be read here" + numbers;
  }
  const std::uint64_t kills = *memory.oom_kills > *context.oom_kills_before
                                  ? *memory.oom_kills - *context.oom_kills_before
                                  : 0;
  if (kills == 0)
    return context.end.signal == SIGKILL ? "the kernel killed nothing in this memory cgroup" +
                                               numbers + ": somebody sent the SIGKILL"
                                         : "";
  const std::string what = kills == 1 ? "one process" : std::to_string(kills) + " processes";
  if (!reached_limit(memory))
    return "the kernel killed " + what + " for lack of memory meanwhile" + numbers +
           ": the node or a cgroup above this one ran short; request more memory or use less";
  return "the container's memory limit killed " + what + " meanwhile" + numbers +
         ": raise the limit or use less memory (fewer DataLoader workers, smaller batches)";
}

std::string about_shared_memory(const ExitContext& context) {
  const SharedMemory& shared = context.shared_memory;
  if (shared.bytes == 0) return "";
  if (shared.free_bytes < shared.bytes / 20)
    return "/dev/shm is full (" + byte_size(shared.free_bytes) + " free of " +
           byte_size(shared.bytes) +
           "): give the container more (docker run --shm-size, a Memory emptyDir)";
  if (context.end.signal == SIGBUS && shared.bytes <= kDockersSharedMemory)
    return "/dev/shm has only " + byte_size(shared.bytes) +
           ", and SIGBUS is what a DataLoader gets when it is full: docker run --shm-size";
  return "";
}

// Of a signal that a program brings upon itself, or that its shell tells by 128+n.
std::string next_step(const CommandEnd& end) {
  struct Step {
    int signal;
    const char* text;
  };
  static constexpr Step kSteps[] = {
      {SIGSEGV, "PYTHONFAULTHANDLER=1 shows the Python line, a core dump or gdb the native one"},
      {SIGBUS,
       "memory that a file backs could not be had: look at the room in /dev/shm, and at files that "
       "were cut short, or whose storage failed, while they were mapped"},
      {SIGILL,
       "the CPU lacks an instruction of the program: compare the level that it was built for "
       "(x86-64-v3, AVX-512) with the flags in /proc/cpuinfo"},
      {SIGABRT,
       "the lines before this one have the assertion or exception; CUDA_LAUNCH_BLOCKING=1 shows "
       "the call that a CUDA error comes from, PYTHONFAULTHANDLER=1 the Python line"},
  };
  const int signal = end.signal != 0 ? end.signal : end.status - kExitSignalBase;
  for (const Step& step : kSteps)
    if (step.signal == signal) return step.text;
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

Postmortem describe_exit(const ExitContext& context) {
  const CommandEnd& end = context.end;
  if (end.known && end.signal == 0 && end.status == 0) return {};
  Postmortem result{how_it_ended(end), context.driver.lost};
  const std::string shared_memory = about_shared_memory(context);
  // Full shared memory explains a SIGBUS.
  const std::string next = shared_memory.empty() ? next_step(end) : "";
  for (const std::string& part : {about_memory(context), shared_memory, next}) {
    if (part.empty()) continue;
    result.text += "; " + part;
    result.says_why = true;
  }
  if (const std::string driver = about_driver(context.driver); !driver.empty())
    result.text += "; " + driver;
  return result;
}

}  // namespace gpuinit::launch
