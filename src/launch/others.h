// Signals to everybody who is left but us.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "launch/processes.h"

namespace gpuinit::launch {

// As PID 1 every process of the pid namespace, setsid'ed ones too; otherwise our
// descendants, and where /proc cannot show them the process group `group`.
// Returns those of whom it knows a name.
std::vector<Process> signal_others(int signal, pid_t group);

// SIGTERM to everybody; who is stopped is also resumed, to heed it. Where /proc
// does not tell who is, everybody gets a SIGCONT.
void ask_others_to_end(pid_t group);

// "python (pid 12), nccl-worker (pid 15) and 3 more"
std::string names_of(const std::vector<Process>& processes);

}  // namespace gpuinit::launch
