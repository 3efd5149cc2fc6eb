// Follows a command through its tree of processes from exec to exec, by ptrace, until one of
// them has been judged; then nothing of it remains.
//
// Meanwhile all is as without it: signals arrive as they were sent, job control works, and
// every process is reaped by its own parent. If gpuinit dies, its tracees go on. What cannot be
// hidden: /proc/PID/status shows the tracer, no debugger can attach, and epoll_wait(2) may
// return EINTR for a signal that is ignored. Source: ptrace(2); Linux, kernel/ptrace.c.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>

#include "gpuinit/at_exec.h"

namespace gpuinit::launch {

// How a command is followed that could not be followed beforehand. Empty functions: it is not.
struct Following {
  std::function<AtExec(pid_t)> at_exec;  // of a process that is stopped in its exec; must be quick
  std::function<int(pid_t)> judge;       // runs in a child process; returns a Judgement
  std::chrono::milliseconds timeout{};   // then the tree is let go
};

// Requires of every function: all signals are blocked, SIGCHLD is not ignored.
class ExecTrace {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ExecTrace(Following following) : following_(std::move(following)) {}
  ExecTrace(const ExecTrace&) = delete;
  ExecTrace& operator=(const ExecTrace&) = delete;

  bool is_on() const { return static_cast<bool>(following_.judge); }
  bool is_judging() const { return !judges_.empty(); }

  // Begins with a child that has not exec'ed yet. False if that is refused or would be in the
  // command's way: then it is not followed, which is logged.
  bool seize(pid_t child);

  // Until the child has exec'ed or has died; waitid tells of both afterwards.
  void wait_for_exec(pid_t child);

  // What waitid said. True if it is about the following alone. A stop that the supervisor is
  // to hear of becomes what it would have been.
  bool handled(siginfo_t& info);

  // When time_is_up is due. nullopt while a process is judged, which has limits of its own.
  std::optional<Clock::time_point> deadline() const;
  void time_is_up();

  // Lets go of everything, once; what is running goes on. Returns at once: each process is
  // released when it has stopped for that.
  void let_go();
  // True once after that.
  bool has_just_ended() { return std::exchange(just_ended_, false); }

  // The process that waits in its exec for ever, because its verdict ends the command.
  struct Failed {
    pid_t pid = 0;
    int exit_code = 0;
  };
  const std::optional<Failed>& failed() const { return failed_; }

 private:
  bool stopped(siginfo_t& info);
  void at_fork(pid_t parent);
  void at_exec(pid_t pid);
  bool start_judge(pid_t pid);
  void judged(pid_t pid, int judgement);
  void resume(pid_t pid, int signal = 0);
  void detach(pid_t pid, int signal = 0);
  void forget(pid_t pid);

  Following following_;
  bool seized_ = false;
  bool just_ended_ = false;
  Clock::time_point until_;
  std::unordered_set<pid_t> tracees_;  // threads; one that has died unseen may be among them
  std::map<pid_t, pid_t> judges_;      // judge → the process that waits for it
  std::optional<Failed> failed_;
};

}  // namespace gpuinit::launch
