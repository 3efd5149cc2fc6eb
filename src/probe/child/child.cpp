#include "probe/child/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/byte_size.h"
#include "base/cgroup_memory.h"
#include "base/helper_process.h"
#include "base/reap_group.h"
#include "base/root_fs.h"
#include "base/signal_name.h"

namespace gpuinit::probe {

namespace {

// How often a child is looked at where the kernel cannot tell that it has ended.
constexpr std::chrono::milliseconds kPollInterval{5};

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
}

ChildProgram with_scratch(ChildProgram program, ScratchDirectory& scratch) {
  const Sandbox& sandbox = program.sandbox;
  if (sandbox.kind == Sandbox::Kind::kPython && sandbox.level != ProbeSandbox::kOff &&
      scratch.make(program.environment))
    program.sandbox.writable.push_back(scratch.path());
  return program;
}

}  // namespace

DefaultSigchld::DefaultSigchld() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &standard, &before_);
}

DefaultSigchld::~DefaultSigchld() { ::sigaction(SIGCHLD, &before_, nullptr); }

Child::Child(ChildProgram program)
    : program_(with_scratch(std::move(program), scratch_)),
      monitor_(program_.sandbox, program_.environment) {
  start();
}

void Child::start() {
  const auto fail = [this](const char* what) { start_error_ = errno_error(what); };
  if (!monitor_.obstacle().empty()) {
    start_error_ = Error{monitor_.obstacle()};
    return;
  }
  if (const auto fs = base::RootFs::open("/")) oom_kills_before_ = base::read_oom_kills(*fs);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail("pipe");
  pipe_.reset(ends[0]);
  const base::UniqueFd writing(ends[1]);
  if (::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK) != 0) return fail("pipe");

  monitor_.open_channel();

  // No handler of ours may run in the child before it has reset them all.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  ProgramExec exec(program_);
  const pid_t parent = ::getpid();
  const pid_t pid = base::with_room(::fork);
  if (pid == 0) become(exec, monitor_, writing.get(), parent);
  const int fork_error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    errno = fork_error;
    return fail("fork");
  }
  pid_ = pid;
  scratch_.used_by(pid);
  monitor_.started(pid);
  ::setpgid(pid, pid);  // as the child does itself: whoever is first
  pid_fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pid_fd_.valid()) ::fcntl(pid_fd_.get(), F_SETFD, FD_CLOEXEC);
}

// Whether it has ended. It stays a zombie until kill_and_reap: as long as it is one, its
// id, which is also the group's, cannot be given to another process.
bool Child::look() {
  if (ended_ || pid_ < 0) return ended_;
  siginfo_t info{};
  if (base::wait_for(P_PID, static_cast<id_t>(pid_), info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    if (errno != ECHILD) return false;
    ended_ = true;
    end_.known = false;
  } else if (info.si_pid == pid_) {
    ended_ = true;
    (info.si_code == CLD_EXITED ? end_.status : end_.signal) = info.si_status;
    if (end_.signal == SIGKILL && !killed_) check_for_oom_kill();
  }
  return ended_;
}

// A SIGKILL that we did not send. The kernel counts before it kills.
void Child::check_for_oom_kill() {
  const auto fs = base::RootFs::open("/");
  if (!fs || !oom_kills_before_) return;
  const auto memory = base::read_cgroup_memory(*fs);
  if (!memory.oom_kills || *memory.oom_kills <= *oom_kills_before_) return;
  end_.out_of_memory = memory.limit ? "(cgroup limit " + base::mebibytes(*memory.limit) + ")" : "";
}

std::string Child::how_it_ended() const {
  if (end_.out_of_memory)
    return "killed by the OOM killer" +
           (end_.out_of_memory->empty() ? "" : " " + *end_.out_of_memory);
  if (end_.signal != 0) return "ended by " + base::signal_name(end_.signal);
  return "exit status " + std::to_string(end_.status);
}

void Child::describe(ProbeRun& run) const {
  monitor_.describe(run);
  run.out_of_memory = end_.out_of_memory.has_value();
}

// False if nothing is there now.
bool Child::read_some(std::string& output) {
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(pipe_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
      end_of_output_ = true;
      return false;
    }
    output.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
}

void Child::sleep_until_something(bool heed_pipe, Clock::time_point deadline) {
  pollfd events[3] = {{heed_pipe ? pipe_.get() : -1, POLLIN, 0},
                      {pid_fd_.get(), POLLIN, 0},
                      {monitor_.waits_on(), POLLIN, 0}};
  if (!pid_fd_.valid()) deadline = std::min(deadline, Clock::now() + kPollInterval);
  ::poll(events, 3, milliseconds_until(deadline));  // EINTR: the caller looks again
}

Child::Event Child::wait(std::string& output, Clock::time_point deadline) {
  if (pid_ < 0) return Event::kEnded;
  for (;;) {
    // First whether it has ended, then what it wrote: nothing can come in between, and a
    // grandchild that keeps the pipe open is not waited for.
    const bool ended = look();
    monitor_.serve();
    if (!end_of_output_ && read_some(output)) return Event::kOutput;
    if (ended) return Event::kEnded;
    if (Clock::now() >= deadline) return Event::kDeadline;
    sleep_until_something(!end_of_output_, deadline);
  }
}

void Child::wait_until_ended(Clock::time_point deadline) {
  pipe_.reset();
  while (pid_ >= 0 && !look() && Clock::now() < deadline) {
    monitor_.serve();
    sleep_until_something(false, deadline);
  }
}

pid_t Child::release() {
  if (pid_ < 0) return -1;
  if (look()) {
    kill_and_reap();
    return -1;
  }
  pipe_.reset();
  pid_fd_.reset();
  return std::exchange(pid_, -1);
}

void Child::kill_and_reap() {
  if (pid_ < 0) return;
  const auto deadline = Clock::now() + kReapBound;
  look();
  if (end_.known) {
    killed_ = !ended_;
    base::kill_group(pid_);
  }
  wait_until_ended(deadline);
  abandoned_ = !ended_;
  siginfo_t info{};
  if (ended_ && end_.known) base::wait_for(P_PID, static_cast<id_t>(pid_), info, WEXITED | WNOHANG);
  if (abandoned_) base::abandon_helper(pid_);
  else base::reap_group(pid_, deadline);
  pid_fd_.reset();
  pid_ = -1;
  scratch_.remove();
}

}  // namespace gpuinit::probe
