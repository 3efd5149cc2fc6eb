// Keeps terminal and job control in order while the command is a child: who has
// the foreground, and what becomes of a command that Ctrl-Z has stopped.
#pragma once

#include <sys/types.h>

#include "launch/terminal.h"

namespace gpuinit::launch {

// Requires of every function: all signals are blocked.
class JobControl {
 public:
  // Neither is owned. `command` is also the id of its process group.
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
