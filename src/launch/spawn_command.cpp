#include "launch/spawn_command.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "gpuinit/result.h"
#include "launch/command_filter.h"

namespace gpuinit::launch {

namespace {

// Socket activation (sd_listen_fds(3)) names the process that is to take the
// sockets. What was meant for us is meant for the command.
void hand_over_sockets(pid_t parent) {
  const char* listener = std::getenv("LISTEN_PID");
  if (listener != nullptr && listener == std::to_string(parent))
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
}

// Why the child did not become the command: an errno, of the filter or of exec.
struct Failure {
  int filter = 0;
  int exec = 0;
};

// The child's part: one list, in this order. It shares our memory until exec, so that no pipe
// is needed for `failure`.
[[noreturn]] void become_command(const SpawnRequest& request, const Terminal& terminal,
                                 const InheritedState& inherited, pid_t parent,
                                 volatile Failure& failure) {
  ::setpgid(0, 0);
  if (request.foreground) terminal.give_to(::getpid());
  if (request.parent_death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, request.parent_death_signal);
    // The parent may have died before this was set.
    if (::getppid() != parent) ::kill(::getpid(), request.parent_death_signal);
  }
  hand_over_sockets(parent);
  ::sigaction(SIGCHLD, &request.sigchld, nullptr);
  set_blocked(inherited.mask());
  if (request.filter != nullptr) failure.filter = enter(*request.filter);
  if (failure.filter == 0) {
    ::execve(request.path.c_str(), request.argv, environ);
    failure.exec = errno;
  }
  ::_exit(kExitNotExecutable);
}

Spawned not_started() {
  return {-1, {kExitInternal, errno_error("cannot start a process for the command").message}};
}

}  // namespace

Spawned spawn_command(const SpawnRequest& request, const Terminal& terminal,
                      const InheritedState& inherited) {
  volatile Failure failure;
  const pid_t parent = ::getpid();
  // Not fork: copying page tables and the pages that both sides then write costs a
  // tenth of the whole start. With vfork we also sleep until exec has worked or not.
  // The child calls nothing but the kernel.
  const pid_t pid = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  // NOLINTNEXTLINE(clang-analyzer-unix.Vfork)
  if (pid == 0) become_command(request, terminal, inherited, parent, failure);
  if (pid < 0) return not_started();
  if (failure.filter == 0 && failure.exec == 0) return {pid, {}};
  ::waitpid(pid, nullptr, 0);
  if (failure.filter != 0) return {-1, describe_refused_filter(failure.filter)};
  return {-1, describe_exec_failure(request.path, failure.exec)};
}

}  // namespace gpuinit::launch
