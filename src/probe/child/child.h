// A child process that answers over a pipe and that may hang, crash, flood or leave
// children of its own, without PID 1 taking any harm.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "gpuinit/probe_run.h"
#include "gpuinit/result.h"
#include "probe/child/child_program.h"
#include "probe/child/not_dumpable.h"
#include "probe/sandbox/scratch_directory.h"
#include "probe/sandbox/syscall_monitor.h"

namespace gpuinit::probe {

using Clock = std::chrono::steady_clock;

// SIGCHLD at its default while it lives: under an inherited SIG_IGN the kernel reaps
// children itself and their status is lost. Afterwards exactly what it was before.
class DefaultSigchld {
 public:
  DefaultSigchld();
  ~DefaultSigchld();
  DefaultSigchld(const DefaultSigchld&) = delete;
  DefaultSigchld& operator=(const DefaultSigchld&) = delete;

 private:
  struct sigaction before_ {};
};

// The child runs in a process group of its own, dies with us, has default signal
// dispositions and an empty mask, /dev/null as 0, 1 and 2, the pipe as 3 and nothing else
// open, no core dumps, is the first to go when memory runs out, and sits in its sandbox
// (src/probe/sandbox/sandbox.h). What it writes before exec, if exec is refused, is a
// `not-started` or `no-loader` line (gpuinit/probe_protocol.h).
//
// A Python probe has a directory of its own for temporary files ($TMPDIR), which is removed
// with the child.
//
// A call that the sandbox refuses or did not expect waits until wait() or
// wait_until_ended() answers it. A healthy run makes no such call.
//
// Ending it kills the group and waits for the child, and for members of the group that
// have become ours; never longer than kReapBound. A child that even SIGKILL does not end
// (uninterruptible in a driver) is left behind.
class Child {
 public:
  // The dynamic loader's own exit status when it cannot load what a program needs.
  static constexpr int kLoaderFailed = 127;
  static constexpr std::chrono::milliseconds kReapBound{1000};

  enum class Event {
    kOutput,    // something was added to `output`
    kEnded,     // the child has ended and all it wrote has been read
    kDeadline,  // neither until then
  };

  explicit Child(ChildProgram program);
  ~Child() { kill_and_reap(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  const ChildProgram& program() const { return program_; }

  // Null unless fork or pipe was refused; the other functions then do nothing.
  const Error* start_error() const { return start_error_ ? &*start_error_ : nullptr; }

  // Waits for something to happen; appends what the child wrote, some kB at most.
  Event wait(std::string& output, Clock::time_point deadline);

  // Waits for the child to end by itself; what it writes is no longer read.
  void wait_until_ended(Clock::time_point deadline);

  void kill_and_reap();

  // Gives the child away as it is; the caller is to kill and reap it. Returns its id, which
  // stays its own until it is reaped; -1 if no child runs (one that has ended is reaped).
  pid_t release();

  // How it ended: `signal` 0 and `status` as given to exit, or the signal. Requires: ended().
  struct End {
    int signal = 0;
    int status = 0;
    bool known = true;  // false: someone else in this process waited for it
    // "(cgroup limit 512 MiB)", or "" where the cgroup has no limit. nullopt if the kernel did
    // not kill it because memory ran out.
    std::optional<std::string> out_of_memory;
  };
  bool ended() const { return ended_; }
  const End& end() const { return end_; }
  // "ended by SIGSEGV", "killed by the OOM killer (cgroup limit 512 MiB)", "exit status 3".
  // Requires: ended() and end().known.
  std::string how_it_ended() const;
  // Writes into `run` what the sandbox held and refused, and whether memory ran out.
  void describe(ProbeRun& run) const;
  // True if it did not even end when it was killed.
  bool abandoned() const { return abandoned_; }

 private:
  void start();
  bool look();
  bool read_some(std::string& output);
  void sleep_until_something(bool heed_pipe, Clock::time_point deadline);
  void check_for_oom_kill();

  ScratchDirectory scratch_;
  ChildProgram program_;
  SyscallMonitor monitor_;
  DefaultSigchld default_sigchld_;
  NotDumpable not_dumpable_;
  std::optional<std::uint64_t> oom_kills_before_;  // nullopt if it cannot be read
  base::UniqueFd pipe_;                            // reading end, does not block
  base::UniqueFd pid_fd_;  // invalid where pidfd_open is refused: the child is then polled
  pid_t pid_ = -1;         // -1: not started, or abandoned
  std::optional<Error> start_error_;
  bool end_of_output_ = false;
  bool ended_ = false;
  bool abandoned_ = false;
  bool killed_ = false;  // by us
  End end_;
};

}  // namespace gpuinit::probe
