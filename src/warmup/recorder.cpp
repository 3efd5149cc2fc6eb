#include "warmup/recorder.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/pass_descriptor.h"
#include "base/unique_fd.h"
#include "seccomp/filter.h"
#include "warmup/recorded_command.h"
#include "warmup/touched_pages.h"
#include "warmup/tracer.h"

namespace gpuinit::warmup {

namespace {

// Smaller pieces are unmapped by every free(3); a library or a mapped file is not.
constexpr std::uint64_t kLargeMapping = 1024ULL * 1024;

seccomp::Filter filter_of_ends() {
  seccomp::Filter filter;
  for (const char* call : {"close", "execve", "execveat", "exit_group"})
    filter.rules.push_back({call, seccomp::Action::kNotify, 0, {}});
  filter.rules.push_back({"munmap",
                          seccomp::Action::kNotify,
                          0,
                          {{1, seccomp::Test::Is::kGreaterOrEqual, kLargeMapping, 0}}});
  return filter;
}

// How a command is watched; the parent says so through the socket.
enum class Way : char { kTracer = 't', kFilter = 'f' };

// The listener goes through the socket, where a filter is wanted; if exec fails, its errno
// follows.
[[noreturn]] void become(const RecordRequest& request, const seccomp::Program& program,
                         int socket) {
  Way way{};
  if (::read(socket, &way, sizeof way) != sizeof way) ::_exit(126);
  if (way == Way::kFilter) {
    auto listener = seccomp::install_with_listener(program);
    if (!listener && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
      listener = seccomp::install_with_listener(program);
    if (!listener || !base::send_descriptor(socket, *listener)) ::_exit(126);
  }
  request.restore_signals();
  ::execv(request.path.c_str(), request.argv);
  const int error = errno;
  ::_exit(::write(socket, &error, sizeof error) < 0 ? 126 : 127);
}

// Watches by a filter.
class Listener {
 public:
  Listener(RecordedCommand& command, base::UniqueFd listener, TouchedPages& touched)
      : command_(command), listener_(std::move(listener)), touched_(touched) {
    sigset_t all;
    ::sigfillset(&all);
    signals_.reset(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  // Until every process has ended.
  void run() {
    for (;;) {
      if (reap()) return;
      pollfd events[2] = {{listener_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
      const int ready = ::poll(events, 2, command_.has_ended() ? 50 : -1);
      if (ready < 0 && errno != EINTR) return;
      if ((events[0].revents & POLLIN) != 0) answer();
      else if (events[0].revents != 0) listener_.reset();  // no process is left under the filter
      if ((events[1].revents & POLLIN) != 0) forward();
      command_.check_leftovers();
    }
  }

 private:
  // One call that waits for our answer. It always goes on as if nothing had been there.
  void answer() {
    seccomp_notif call{};
    if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;
    look(call);
    seccomp_notif_resp response{};
    response.id = call.id;
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
  }

  void look(const seccomp_notif& call) {
    const auto pid = static_cast<pid_t>(call.pid);
    if (call.data.arch != native_arch()) return;
    switch (call.data.nr) {
      case SYS_close:
        touched_.add_open_file(pid, static_cast<int>(call.data.args[0]));
        break;
      case SYS_munmap:
        touched_.add_mappings(pid, call.data.args[0], call.data.args[0] + call.data.args[1]);
        break;
      case SYS_execve:
        if (!executed_) {  // our own child becomes the command: what it has touched is ours
          executed_ = true;
          break;
        }
        [[fallthrough]];
      default:  // the process ends, or becomes another program
        touched_.add_open_files(pid);
        touched_.add_mappings(pid);
    }
  }

  static std::uint32_t native_arch() {
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#else
    return AUDIT_ARCH_AARCH64;
#endif
  }

  void forward() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
    const int signal = static_cast<int>(info.ssi_signo);
    if (!command_.is_forwarded(signal, info.ssi_code)) return;
    touched_.add_open_files(command_.pid());
    touched_.add_mappings(command_.pid());
    ::kill(command_.pid(), signal);
  }

  // True if no child is left.
  bool reap() {
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid == 0) return false;
      if (pid < 0) return errno != EINTR;
      command_.ended(pid, status);
    }
  }

  RecordedCommand& command_;
  base::UniqueFd listener_;
  base::UniqueFd signals_;
  TouchedPages& touched_;
  bool executed_ = false;
};

}  // namespace

Result<Recorded> record(const RecordRequest& request) {
  // What the command leaves behind comes to us: without us its calls would not go on.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &standard, nullptr);

  auto program = seccomp::compile(filter_of_ends());
  if (!program) return std::move(program).error();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return errno_error("socketpair");
  const base::UniqueFd ours(ends[0]);
  base::UniqueFd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork");
  if (pid == 0) become(request, *program, theirs.get());
  theirs.reset();

  RecordedCommand command(pid);
  TouchedPages touched;
  const Way way = start_tracing(pid) ? Way::kTracer : Way::kFilter;
  if (::write(ours.get(), &way, sizeof way) != sizeof way) return errno_error("write");
  if (way == Way::kTracer) {
    trace(command, touched);
  } else {
    base::UniqueFd listener(base::receive_descriptor(ours.get(), /*wait=*/true));
    if (!listener.valid()) {
      ::waitpid(pid, nullptr, 0);
      return Error{
          "this kernel, or the container's own filter, does not let gpuinit watch the command "
          "(ptrace, or seccomp with a listener, Linux 5.5 or newer)"};
    }
    Listener(command, std::move(listener), touched).run();
  }
  int error = 0;
  if (::recv(ours.get(), &error, sizeof error, MSG_DONTWAIT) == sizeof error)
    return Recorded{{}, 127, error};
  return Recorded{touched.plan(), command.exit_code(), 0};
}

}  // namespace gpuinit::warmup
