// The loop while the command runs and after it: signals, children, deadlines.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <set>

#include "launch/exec_trace.h"
#include "launch/keepalive_watch.h"
#include "launch/postmortem.h"
#include "launch/remaining_processes.h"
#include "launch/supervise.h"
#include "launch/terminal.h"

namespace gpuinit::launch {

// Requires of every function: all signals are blocked, SIGCHLD is not ignored.
class Supervisor {
 public:
  // Nothing but the number is owned. `command` is also the id of its group.
  Supervisor(const SuperviseOptions& options, pid_t command, const Terminal& terminal,
             KeepaliveWatch& keepalive, ExecTrace& trace)
      : options_(options),
        command_(command),
        jobs_(terminal, command),
        keepalive_(keepalive),
        trace_(trace) {}

  // Until no process is left, or none can be ended. The keepalive is not waited for.
  void run();

  // After that: not known if another process took its status, or it did not end.
  const CommandEnd& end() const { return end_; }
  // The last stop request that could not be forwarded; 0: there was none.
  int refused_stop() const { return refused_stop_; }
  bool killed() const { return kill_deadline_.has_value() || command_killed_; }
  bool asked_to_stop() const { return asked_to_stop_; }  // while the command ran
  // As it was when the command failed.
  const SharedMemory& shared_memory() const { return shared_memory_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Children { kNone, kSome, kMoreToReap };
  Children reap();
  void command_ended(const siginfo_t& info);
  void end_by_verdict();
  bool is_helper(const Process& process) const;
  bool only_helpers_are_left() const;
  std::optional<Clock::time_point> next_deadline() const;
  void wait_for_something(bool at_most_look);
  void handle(int signal, const siginfo_t& info);
  bool send(int signal, const siginfo_t& info);
  void cannot_forward(int signal, bool is_stop);
  std::chrono::milliseconds last_notice() const;
  bool time_is_up();
  void kill_command();
  void terminate_the_others() { terminate_remaining(command_, told_); }

  const SuperviseOptions& options_;
  pid_t command_;
  JobControl jobs_;
  KeepaliveWatch& keepalive_;
  ExecTrace& trace_;
  bool running_ = true;
  bool command_killed_ = false;
  int refused_stop_ = 0;
  CommandEnd end_;
  SharedMemory shared_memory_;
  bool asked_to_stop_ = false;
  bool refusal_is_told_ = false;
  std::set<pid_t> told_;  // those that the command's group had when it got a SIGTERM
  std::optional<Clock::time_point> settles_;        // then memory is given back
  std::optional<Clock::time_point> deadline_;       // for all processes
  std::optional<Clock::time_point> kill_deadline_;  // set once they have been killed
};

}  // namespace gpuinit::launch
