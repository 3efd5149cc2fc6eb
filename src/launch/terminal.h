// The controlling terminal, and job control while the command is a child: which process group
// has the foreground (it gets Ctrl-C and Ctrl-Z, and may read), and what becomes of a command
// that Ctrl-Z has stopped.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace gpuinit::launch {

class Terminal {
 public:
  // Opens the controlling terminal, if there is one.
  Terminal();

  // True if our own process group has the foreground. False without a terminal.
  bool is_ours() const { return foreground() == ::getpgrp(); }
  // -1 without a terminal.
  pid_t foreground() const;

  // Gives the foreground away, or takes it. Requires: SIGTTOU is blocked.
  void give_to(pid_t group) const;

  int fd() const { return fd_.get(); }  // -1 without a terminal

 private:
  base::UniqueFd fd_;
};

// Requires of every function: all signals are blocked.
class JobControl {
 public:
  // `terminal` is not owned. `command` is also the id of its process group.
  JobControl(const Terminal& terminal, pid_t command) : terminal_(terminal), command_(command) {}

  // A signal is about to be forwarded to the command.
  void forwarding(int signal);

  // The command was stopped by `signal`. A stop by the terminal is passed on to our
  // own process group, as it would have been without us, so that the shell we run in
  // notices. Where no shell could resume us (PID 1, a session of our own) the kernel
  // does not stop us, and the command is resumed instead: nothing is wedged.
  void stopped(int signal);

  // The command has ended: takes the foreground back.
  void ended();

 private:
  const Terminal& terminal_;
  pid_t command_;
  bool stop_was_forwarded_ = false;
};

}  // namespace gpuinit::launch
