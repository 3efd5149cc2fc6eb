// Starts the user's command as a child, in a process group of its own.
#pragma once

#include <sys/types.h>

#include <string>

#include "launch/exec_command.h"
#include "launch/exec_trace.h"
#include "launch/inherited_state.h"
#include "launch/terminal.h"

namespace gpuinit::launch {

struct SpawnRequest {
  std::string path;
  char* const* argv = nullptr;
  bool foreground = false;                // give it the terminal's foreground
  int parent_death_signal = 0;            // 0: none is set
  const CommandFilter* filter = nullptr;  // of the command alone; not owned
  struct sigaction sigchld {};            // as inherited: the command's again
  ExecTrace* trace = nullptr;             // begins before the exec; not owned
};

struct Spawned {
  pid_t pid = -1;       // also the id of its group; -1: not started
  ExecFailure failure;  // why not
};

// Returns when the command has been executed, or could not be. Requires: every
// signal is blocked and no handler is installed, so that none can get lost between
// fork and exec.
Spawned spawn_command(const SpawnRequest& request, const Terminal& terminal,
                      const InheritedState& inherited);

}  // namespace gpuinit::launch
