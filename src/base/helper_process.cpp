#include "base/helper_process.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>
#include <vector>

#include "base/cgroup_memory.h"
#include "base/reap_group.h"

namespace gpuinit::base {

namespace {

constexpr std::chrono::seconds kReapBound{1};
constexpr std::uint64_t kShare = 16;

int exit_signal = SIGCHLD;
std::vector<pid_t> spares;

}  // namespace

pid_t fork_helper() {
  return static_cast<pid_t>(::syscall(SYS_clone, exit_signal, nullptr, nullptr, nullptr, nullptr));
}

void hide_helpers() { exit_signal = 0; }

void add_spare(pid_t leader) { spares.push_back(leader); }

bool take_spare(pid_t leader) { return std::erase(spares, leader) > 0 && is_our_child(leader); }

void forget_spares() { spares.clear(); }

bool give_up_spares() {
  const std::vector<pid_t> given_up = std::exchange(spares, {});
  for (const pid_t leader : given_up)
    if (is_our_child(leader)) kill_group(leader);
  const auto deadline = std::chrono::steady_clock::now() + kReapBound;
  for (const pid_t leader : given_up) reap_group(leader, deadline);
  return !given_up.empty();
}

int room_for_spares(int wanted) {
  std::uint64_t room = static_cast<std::uint64_t>(wanted) * kShare;
  if (const auto fs = RootFs::open("/"))
    if (const auto left = read_tasks_left(*fs)) room = std::min(room, *left);
  // It counts all of the user's processes on the machine; root is not bound by it.
  struct rlimit processes {};
  if (::getuid() != 0 && ::getrlimit(RLIMIT_NPROC, &processes) == 0)
    room = std::min<std::uint64_t>(room, processes.rlim_cur);
  return static_cast<int>(room / kShare);
}

}  // namespace gpuinit::base
