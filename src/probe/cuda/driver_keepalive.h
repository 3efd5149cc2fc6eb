// A probe that has answered and stays, so that the driver keeps its state until the command
// has opened a device itself.
#pragma once

#include <sys/types.h>

#include <utility>

#include "base/helper_process.h"

namespace gpuinit::probe {

// Owns that child, the leader of a process group of its own; kills and reaps it at the end of
// its life, unless it has been released (to launch::KeepaliveWatch). Waits a second at most:
// a driver may take longer to close the files of a process. It is a spare helper
// (base/helper_process.h), and may have been given up meanwhile.
class DriverKeepalive {
 public:
  DriverKeepalive() = default;
  explicit DriverKeepalive(pid_t pid) : pid_(pid) {
    if (pid > 0) base::add_spare(pid);
  }
  DriverKeepalive(DriverKeepalive&& other) noexcept : pid_(other.release()) {}
  DriverKeepalive& operator=(DriverKeepalive&& other) noexcept {
    if (this != &other) {
      end();
      pid_ = other.release();
    }
    return *this;
  }
  ~DriverKeepalive() { end(); }

  // -1: no process stays. It may have ended meanwhile, and where SIGCHLD is ignored the
  // kernel has then reaped it: see that it is a child before it is signalled.
  pid_t pid() const { return pid_; }
  pid_t release() { return std::exchange(pid_, -1); }

 private:
  void end();

  pid_t pid_ = -1;
};

}  // namespace gpuinit::probe
