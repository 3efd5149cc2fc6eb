// Waits for children, and ends those that lead a process group of their own.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>

namespace gpuinit::base {

// As waitid(2), of children of every kind (__WALL). Where a seccomp filter refuses that call,
// wait4(2) answers, which cannot leave a child unreaped (WNOWAIT).
int wait_for(idtype_t which, id_t id, siginfo_t& info, int options);

// As long as it is an unreaped child, the number cannot be another process's.
bool is_our_child(pid_t pid);

// SIGKILL; to the leader by itself as well, which may not have made its group yet.
inline void kill_group(pid_t leader) {
  ::kill(-leader, SIGKILL);
  ::kill(leader, SIGKILL);
}

// Reaps what is ours of a process group: its leader, and as PID 1 also those that it left to
// us. What even SIGKILL does not end (uninterruptible in a driver or on a disk) is waited for
// until the deadline.
void reap_group(pid_t group, std::chrono::steady_clock::time_point deadline);

}  // namespace gpuinit::base
