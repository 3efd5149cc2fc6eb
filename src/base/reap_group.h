// Ends children that lead a process group of their own, and takes their status.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>

namespace gpuinit::base {

// As long as it is an unreaped child, the number cannot be another process's.
inline bool is_our_child(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// SIGKILL; to the leader by itself as well, which may not have made its group yet.
inline void kill_group(pid_t leader) {
  ::kill(-leader, SIGKILL);
  ::kill(leader, SIGKILL);
}

// Reaps what is ours of a process group: its leader, and as PID 1 also those that it left to
// us. What even SIGKILL does not end (uninterruptible in a driver or on a disk) is waited for
// until the deadline.
inline void reap_group(pid_t group, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const pid_t got = ::waitpid(-group, nullptr, WNOHANG);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    if (got < 0 || std::chrono::steady_clock::now() >= deadline) return;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace gpuinit::base
