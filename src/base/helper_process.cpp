#include "base/helper_process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/cgroup_memory.h"
#include "base/reap_group.h"

namespace gpuinit::base {

namespace {

constexpr std::chrono::seconds kReapBound{1};
constexpr std::uint64_t kShare = 16;

std::vector<pid_t> spares;
std::vector<pid_t> abandoned;

}  // namespace

void add_spare(pid_t leader) { spares.push_back(leader); }

bool take_spare(pid_t leader) { return std::erase(spares, leader) > 0 && is_our_child(leader); }

bool give_up_spares() {
  const std::vector<pid_t> given_up = std::exchange(spares, {});
  for (const pid_t leader : given_up) end_helper(leader);
  return !given_up.empty();
}

void end_helper(pid_t leader) {
  if (!is_our_child(leader)) return;
  kill_group(leader);
  reap_group(leader, std::chrono::steady_clock::now() + kReapBound);
  if (is_our_child(leader)) abandon_helper(leader);
}

void abandon_helper(pid_t leader) { abandoned.push_back(leader); }

bool helpers_are_left() {
  std::erase_if(abandoned, [](pid_t pid) {
    reap_group(pid, {});
    return !is_our_child(pid);
  });
  return !abandoned.empty();
}

bool has_helpers() { return !spares.empty() || !abandoned.empty(); }

bool is_helper(pid_t pid) {
  return std::ranges::find(spares, pid) != spares.end() ||
         std::ranges::find(abandoned, pid) != abandoned.end();
}

void helper_was_reaped(pid_t pid) {
  std::erase(spares, pid);
  std::erase(abandoned, pid);
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
