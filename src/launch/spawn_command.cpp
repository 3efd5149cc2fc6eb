#include "launch/spawn_command.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/helper_process.h"
#include "base/unique_fd.h"
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

// The child's part: one list, in this order. Returns only if it did not work.
Failure become_command(const SpawnRequest& request, const Terminal& terminal,
                       const InheritedState& inherited, pid_t parent) {
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
  if (request.filter != nullptr)
    if (const int refused = enter(*request.filter); refused != 0) return {.filter = refused};
  ::execve(request.path.c_str(), request.argv, environ);
  return {.exec = errno};
}

Spawned not_started() {
  // Too many processes, or no memory.
  return {-1, {kExitNotReady, errno_error("cannot start a process for the command").message}};
}

Spawned started(pid_t pid, const Failure& failure, const std::string& path) {
  if (failure.filter == 0 && failure.exec == 0) return {pid, {}};
  ::waitpid(pid, nullptr, 0);
  if (failure.filter != 0) return {-1, describe_refused_filter(failure.filter)};
  return {-1, describe_exec_failure(path, failure.exec)};
}

// Not vfork: the child is seized before its exec, until which we would sleep. It waits for that
// at a socket, on which it then says what went wrong; that closes with the exec.
Spawned spawn_traced(const SpawnRequest& request, const Terminal& terminal,
                     const InheritedState& inherited, pid_t parent) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return not_started();
  const base::UniqueFd ours(ends[0]);
  base::UniqueFd its(ends[1]);
  Failure failure;
  const pid_t pid = base::with_room(::fork);
  if (pid == 0) {
    char go = 0;
    ::recv(its.get(), &go, 1, 0);
    failure = become_command(request, terminal, inherited, parent);
    ::send(its.get(), &failure, sizeof failure, MSG_NOSIGNAL);
    ::_exit(kExitNotExecutable);
  }
  if (pid < 0) return not_started();
  its.reset();
  const bool seized = request.trace->seize(pid);
  ::send(ours.get(), "", 1, MSG_NOSIGNAL);
  if (seized) request.trace->wait_for_exec(pid);
  if (::recv(ours.get(), &failure, sizeof failure, MSG_WAITALL) != sizeof failure) failure = {};
  return started(pid, failure, request.path);
}

}  // namespace

Spawned spawn_command(const SpawnRequest& request, const Terminal& terminal,
                      const InheritedState& inherited) {
  const pid_t parent = ::getpid();
  if (request.trace != nullptr && request.trace->is_on())
    return spawn_traced(request, terminal, inherited, parent);
  volatile Failure failure;
  // Not fork: copying page tables and the pages that both sides then write costs a
  // tenth of the whole start. With vfork we also sleep until exec has worked or not.
  // The child calls nothing but the kernel, and shares our memory: it needs no pipe to say what
  // went wrong.
  // NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork): not with_room(), which would return in
  // the child
  pid_t pid = ::vfork();
  if (pid < 0 && errno == EAGAIN && base::give_up_spares()) pid = ::vfork();
  // NOLINTEND(clang-analyzer-security.insecureAPI.vfork)
  if (pid == 0) {
    // NOLINTNEXTLINE(clang-analyzer-unix.Vfork)
    const Failure why = become_command(request, terminal, inherited, parent);
    failure.filter = why.filter;
    failure.exec = why.exec;
    ::_exit(kExitNotExecutable);
  }
  if (pid < 0) return not_started();
  return started(pid, {failure.filter, failure.exec}, request.path);
}

}  // namespace gpuinit::launch
