// Ends the process that keeps the driver awake once the command has opened a GPU itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>

namespace gpuinit::launch {

// While that process stays, /proc is checked twice a second. It is ended (SIGKILL) when a
// descendant of ours has a GPU open, at the time limit, or by end(); from then on it causes
// no wakeups. A process that may not be inspected (another user's, without CAP_SYS_PTRACE)
// counts as having no GPU open.
class KeepaliveWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // `pid`: a spare helper (probe::DriverKeepalive), from here on only ours; -1, or one that was
  // given up: nothing to watch. Requires: SIGCHLD is not ignored.
  KeepaliveWatch(pid_t pid, std::chrono::milliseconds limit);
  // Kills and reaps it; waits for that no longer than abandon_at().
  ~KeepaliveWatch();
  KeepaliveWatch(const KeepaliveWatch&) = delete;
  KeepaliveWatch& operator=(const KeepaliveWatch&) = delete;

  // -1 once it has been reaped, or if there is none.
  pid_t pid() const { return pid_; }

  // When check() is due; nullopt if there is nothing to check any more.
  std::optional<Clock::time_point> next_check() const { return next_check_; }
  void check();

  // Kills it, once.
  void end();
  // From then on it is not worth waiting for: a driver may take its time to close its files,
  // and it holds nothing that we need. nullopt before end().
  std::optional<Clock::time_point> abandon_at() const { return abandon_at_; }

  // True if `info` is about this process.
  bool reaped(const siginfo_t& info);

  // It was killed, and not by us: most likely by the kernel, which was out of memory.
  bool killed_by_other() const { return killed_by_other_; }

 private:
  pid_t pid_ = -1;
  Clock::time_point until_;
  std::optional<Clock::time_point> next_check_;
  std::optional<Clock::time_point> abandon_at_;
  bool killed_by_other_ = false;
};

}  // namespace gpuinit::launch
