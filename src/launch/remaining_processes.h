// The processes that remain beside us: what /proc shows of them, and signals to all of them.
//
// As PID 1 that is every process of the pid namespace, setsid'ed ones too, signalled in one
// call that none can fork out of; otherwise our descendants, and where /proc cannot show
// them the process group `group`.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

namespace gpuinit::launch {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  bool refused = false;  // another user's: it may not be signalled
  std::string name;      // comm, at most 15 bytes, unprintable ones shown as \xNN
};

// The living ones (no zombies). Empty where /proc is missing, or shows another pid namespace,
// whose numbers would mean other processes.
std::vector<Process> remaining_processes();

// Those of them that descend from this process, as PID 1 too: what came in from outside
// (docker exec) has no parent here.
std::vector<Process> descendants();

void signal_remaining(int signal, pid_t group);

// SIGTERM, and SIGCONT, so that a stopped process can heed it.
// but not to the processes of `told`, which have had a SIGTERM: many take a second one for "now".
// `told` empty: everybody.
void terminate_remaining(pid_t group, const std::set<pid_t>& told = {});

// The ids of those that are in the process group `group`. Empty where /proc cannot tell.
std::set<pid_t> members_of(pid_t group);

// True if processes are left and none of them may be signalled: they are another user's, and
// CAP_KILL is missing.
bool none_may_be_signalled();

// SIGKILL. Returns those that /proc shows.
std::vector<Process> kill_remaining(pid_t group);

// "python (pid 12), nccl-worker (pid 15) and 3 more"
std::string names_of(const std::vector<Process>& processes);

// One line of /proc/PID/stat; pid 0 if it is not one, or that of a dead process.
Process parse_stat(const std::string& line);

}  // namespace gpuinit::launch
