#include "base/reap_group.h"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>

namespace gpuinit::base {

namespace {

// The same in the words of waitid(2). 0, or -1 and errno.
int wait_by_wait4(pid_t pid, siginfo_t& info, int options) {
  int status = 0;
  const pid_t got = ::waitpid(pid, &status, options & (WNOHANG | WSTOPPED | __WALL));
  if (got < 0) return -1;
  info = {};
  info.si_pid = got;
  if (got == 0) return 0;
  info.si_signo = SIGCHLD;
  if (WIFEXITED(status)) {
    info.si_code = CLD_EXITED;
    info.si_status = WEXITSTATUS(status);
  } else if (WIFSTOPPED(status)) {
    info.si_code = CLD_STOPPED;
    info.si_status = WSTOPSIG(status);
  } else {
    info.si_code = WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
    info.si_status = WTERMSIG(status);
  }
  return 0;
}

}  // namespace

int wait_for(idtype_t which, id_t id, siginfo_t& info, int options) {
  options |= __WALL;
  if (::waitid(which, id, &info, options) == 0) return 0;
  if (errno == ECHILD || errno == EINTR) return -1;
  const auto number = static_cast<pid_t>(id);
  return wait_by_wait4(which == P_PID ? number : which == P_PGID ? -number : -1, info, options);
}

bool is_our_child(pid_t pid) {
  siginfo_t info{};
  return wait_for(P_PID, static_cast<id_t>(pid), info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void reap_group(pid_t group, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    siginfo_t info{};
    const int failed = wait_for(P_PGID, static_cast<id_t>(group), info, WEXITED | WNOHANG);
    if ((failed == 0 && info.si_pid > 0) || (failed != 0 && errno == EINTR)) continue;
    if (failed != 0 || std::chrono::steady_clock::now() >= deadline) return;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace gpuinit::base
