// A probe that has answered and stays, so that the driver keeps its state until the command
// has opened a device itself.
#pragma once

#include <sys/types.h>

#include <utility>

namespace gpuinit::probe {

// Owns a child process; killed and reaped with this object, unless it is given away. Its
// end is waited for a second at most: a driver may take longer to close its files.
class OpenClient {
 public:
  OpenClient() = default;
  explicit OpenClient(pid_t pid) : pid_(pid) {}
  OpenClient(OpenClient&& other) noexcept : pid_(other.release()) {}
  OpenClient& operator=(OpenClient&& other) noexcept {
    if (this != &other) {
      end();
      pid_ = other.release();
    }
    return *this;
  }
  ~OpenClient() { end(); }

  // -1: there is none. It may have ended meanwhile, and where SIGCHLD is ignored the
  // kernel has then reaped it: see that it is a child before it is signalled.
  pid_t pid() const { return pid_; }
  pid_t release() { return std::exchange(pid_, -1); }

 private:
  void end();

  pid_t pid_ = -1;
};

}  // namespace gpuinit::probe
