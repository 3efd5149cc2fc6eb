// How many processes and threads may be made here, and whether threads can be made at all.
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/cgroup_memory.h"
#include "base/helper_process.h"
#include "base/reap_group.h"
#include "base/text.h"
#include "node/read_node.h"

namespace gpuinit::node {

namespace {

constexpr unsigned kCapSysAdmin = 21;  // linux/capability.h
constexpr unsigned kCapSysResource = 24;
#ifndef SYS_clone3
#define SYS_clone3 435  // the same number on every machine
#endif

bool has_filter(std::string_view status) {
  for (const auto line : base::split_lines(status))
    if (line.starts_with("Seccomp:")) return base::trim(line.substr(8)) == "2";
  return false;
}

}  // namespace

Fact<int> read_clone3_errno(std::string_view status) {
  // A size of 0 is refused before anything is done: EINVAL.
  if (!has_filter(status)) return ::syscall(SYS_clone3, nullptr, 0) < 0 ? errno : 0;
  const pid_t child = base::with_room(::fork);
  if (child < 0) return Fact<int>::unknown(errno_error("fork").message);
  if (child == 0) ::_exit(::syscall(SYS_clone3, nullptr, 0) < 0 ? errno & 0xff : 0);
  siginfo_t end{};
  while (base::wait_for(P_PID, static_cast<id_t>(child), end, WEXITED) != 0 && errno == EINTR) {
  }
  if (end.si_pid != child || end.si_code != CLD_EXITED)
    return Fact<int>::unknown("the child that asked ended without an answer");
  return end.si_status;
}

Fact<std::uint64_t> read_tasks_left(const base::RootFs& fs, std::string_view status) {
  auto left = base::read_tasks_left(fs);
  struct rlimit processes {};
  // Source: linux, kernel/fork.c, copy_process().
  const bool is_bound = ::getuid() != 0 && has_capability(status, kCapSysAdmin) == false &&
                        has_capability(status, kCapSysResource) == false;
  if (is_bound && ::getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur != RLIM_INFINITY)
    left = std::min<std::uint64_t>(processes.rlim_cur, left.value_or(processes.rlim_cur));
  return left ? Fact<std::uint64_t>(*left) : Fact<std::uint64_t>::absent("no limit was found");
}

Fact<std::uint64_t> read_cpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0)
    return Fact<std::uint64_t>::unknown(errno_error("sched_getaffinity").message);
  return static_cast<std::uint64_t>(CPU_COUNT(&set));
}

}  // namespace gpuinit::node
