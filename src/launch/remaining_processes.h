// Signals to everybody who is left but us.
//
// As PID 1 that is every process of the pid namespace, setsid'ed ones too, in one
// call that nobody can fork out of; otherwise our descendants, and where /proc cannot
// show them the process group `group`.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "launch/processes.h"

namespace gpuinit::launch {

void signal_others(int signal, pid_t group);

// SIGTERM, and SIGCONT, so that who is stopped can heed it.
void ask_others_to_end(pid_t group);

// SIGKILL. Returns those of whom it knows a name.
std::vector<Process> kill_others(pid_t group);

// "python (pid 12), nccl-worker (pid 15) and 3 more"
std::string names_of(const std::vector<Process>& processes);

}  // namespace gpuinit::launch
