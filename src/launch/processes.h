// The processes that /proc shows: who is left to be ended, and what it is called.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace gpuinit::launch {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  bool refused = false;  // another user's: it may not be signalled
  std::string name;      // comm, at most 15 bytes, unprintable ones shown as \xNN
};

// Every living process (no zombies) that descends from this one; as PID 1 every
// other process of the pid namespace. Empty where /proc is missing, or shows
// another pid namespace, whose numbers would mean other processes.
std::vector<Process> other_processes();

// Those of them that descend from this process, as PID 1 too: who came in from outside
// (docker exec) has no parent here.
std::vector<Process> descendants();

// One line of /proc/PID/stat; pid 0 if it is none, or that of a dead process.
Process parse_stat(const std::string& line);

}  // namespace gpuinit::launch
