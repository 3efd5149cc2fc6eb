#include "probe/cuda/driver_keepalive.h"

#include <poll.h>
#include <sys/wait.h>

#include <csignal>

namespace gpuinit::probe {

namespace {

constexpr int kReapBound = 1000;  // milliseconds

}  // namespace

void OpenClient::end() {
  if (pid_ < 0) return;
  const pid_t pid = std::exchange(pid_, -1);
  // As long as it is an unreaped child, the number cannot be anybody else's.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  for (int waited = 0; waited < kReapBound; ++waited) {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) return;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace gpuinit::probe
