// A process that keeps the driver's state alive until the command has opened a GPU itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>

namespace gpuinit::launch {

struct HoldOptions {
  pid_t pid = -1;                    // a child, leader of a process group of its own; -1: none
  std::chrono::milliseconds time{};  // it stays that long at most
};

// What /proc/PID/fd/N points to is a GPU: /dev/nvidia0 and so on, WSL's /dev/dxg. Who has
// only /dev/nvidiactl open keeps no GPU awake.
bool is_gpu_file(std::string_view target);

// While it stays, /proc is looked at twice a second. It is ended (SIGKILL) when a
// descendant of ours has a GPU open, when its time is over, or when the owner says so;
// from then on nobody wakes up for it. Whom we may not look at (another user's, without
// CAP_SYS_PTRACE) counts as having none open.
class Hold {
 public:
  using Clock = std::chrono::steady_clock;

  // Requires: SIGCHLD is not ignored. A pid that is no child of ours is left alone.
  explicit Hold(const HoldOptions& options);
  // Kills and reaps it; waits for that no longer than end() says.
  ~Hold();
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  // Not reaped yet; -1: nobody is there (any more).
  pid_t pid() const { return pid_; }

  // When look() is due; none: never.
  std::optional<Clock::time_point> next_look() const { return next_look_; }
  void look();

  // Kills it, once.
  void end();
  // After end(): when nobody should wait for it any longer. A driver may take its time to
  // close its files, and it holds nothing that we need.
  std::optional<Clock::time_point> patience() const { return patience_; }

  // True if this is its end, which is then over.
  bool reaped(const siginfo_t& info);

  // Somebody else killed it: the kernel, for lack of memory, more likely than not.
  bool was_killed() const { return was_killed_; }

 private:
  pid_t pid_ = -1;
  Clock::time_point until_;
  std::optional<Clock::time_point> next_look_;
  std::optional<Clock::time_point> patience_;
  bool was_killed_ = false;
};

}  // namespace gpuinit::launch
