// Takes the status of children that have been killed.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>

namespace gpuinit::base {

// All that are ours of a process group: its leader, and as PID 1 also those that it left to
// us. Whom even SIGKILL does not end (uninterruptible in a driver or on a disk) is waited for
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
