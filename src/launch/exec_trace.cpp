#include "launch/exec_trace.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/log.h"

namespace gpuinit::launch {

namespace {

// Not PTRACE_O_EXITKILL: the command outlives us, as it does when it is not followed.
constexpr unsigned long kEvents =
    PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;

bool ask(__ptrace_request request, pid_t pid, unsigned long data = 0) {
  return ::ptrace(request, pid, nullptr, data) == 0;
}

pid_t event_message(pid_t pid) {
  unsigned long message = 0;
  return ::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &message) == 0 ? static_cast<pid_t>(message)
                                                                   : 0;
}

constexpr bool is_stop_signal(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool has_capability(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct halves[2]{};
  return ::syscall(SYS_capget, &header, halves) == 0 &&
         (halves[0].effective & (1U << capability)) != 0;
}

// A program with more rights than its caller (sudo) does not get them under a tracer without
// CAP_SYS_PTRACE. Where none gets any, that is no matter; nor for root's own processes.
// Source: Linux, security/commoncap.c, cap_bprm_creds_from_file.
bool would_take_rights_away() {
  return ::geteuid() != 0 && !has_capability(CAP_SYS_PTRACE) &&
         ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

}  // namespace

bool ExecTrace::seize(pid_t child) {
  std::string why;
  siginfo_t info{};
  if (would_take_rights_away()) why = "without CAP_SYS_PTRACE sudo would not work";
  // Only waitid(2) tells a stop of the tracer's making from others.
  else if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    why = std::string("waitid: ") + std::strerror(errno);
  else if (!ask(PTRACE_SEIZE, child, kEvents)) why = std::strerror(errno);
  if (!why.empty()) {
    base::log_verbose("follow: the command is not followed (ptrace): " + why);
    following_ = {};
    return false;
  }
  seized_ = true;
  until_ = Clock::now() + following_.timeout;
  tracees_.insert(child);
  return true;
}

void ExecTrace::wait_for_exec(pid_t child) {
  for (;;) {
    siginfo_t info{};
    const auto id = static_cast<id_t>(child);
    if (::waitid(P_PID, id, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) != 0) {
      if (errno == EINTR) continue;
      return;
    }
    const bool trapped = info.si_code == CLD_TRAPPED;
    if (!trapped || info.si_status >> 8 == PTRACE_EVENT_EXEC) return;
    handled(info);
  }
}

bool ExecTrace::handled(siginfo_t& info) {
  if (!seized_) return false;
  if (info.si_code == CLD_TRAPPED) return stopped(info);
  if (info.si_code == CLD_STOPPED || info.si_code == CLD_CONTINUED) return false;
  const auto judge = judges_.find(info.si_pid);
  if (judge == judges_.end()) {
    forget(info.si_pid);
    return false;
  }
  const pid_t pid = judge->second;
  judges_.erase(judge);
  // One that did not end by itself has said nothing, not even whether following is in the way.
  judged(pid, info.si_code == CLD_EXITED ? info.si_status : kNotToFollow);
  return true;
}

// The status is the signal and, above it, the event.
bool ExecTrace::stopped(siginfo_t& info) {
  const pid_t pid = info.si_pid;
  const int signal = info.si_status & 0xff;
  switch (info.si_status >> 8) {
    case 0:
      resume(pid, signal);
      return true;
    case PTRACE_EVENT_EXEC:
      at_exec(pid);
      return true;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      at_fork(pid);
      resume(pid);
      return true;
    case PTRACE_EVENT_STOP:
      break;
    default:
      resume(pid);
      return true;
  }
  // A new process or thread, the end of a stop, our own PTRACE_INTERRUPT, or job control.
  if (is_on()) tracees_.insert(pid);
  if (!is_on() || !is_stop_signal(signal)) {
    resume(pid);
    return true;
  }
  // It stays stopped, and its parent is told, until SIGCONT.
  ask(PTRACE_LISTEN, pid);
  info.si_code = CLD_STOPPED;
  info.si_status = signal;
  return false;
}

// The child is followed already, but may not have stopped yet: it must be known before its
// parent goes on, so that none is left when tracees_ is empty.
void ExecTrace::at_fork(pid_t parent) {
  const pid_t child = event_message(parent);
  if (child > 0 && (is_on() || ask(PTRACE_INTERRUPT, child))) tracees_.insert(child);
}

void ExecTrace::at_exec(pid_t pid) {
  // A thread that execs becomes the process; its own number is gone.
  const pid_t before = event_message(pid);
  if (before != pid) tracees_.erase(before);
  tracees_.insert(pid);
  if (!is_on()) return detach(pid);
  const AtExec next = following_.at_exec(pid);
  if (next == AtExec::kIsJudged && start_judge(pid)) return;
  judged(pid, next == AtExec::kIsLetGo ? kNotToFollow : kNotJudged);
}

// A process of its own, so that signals and deadlines have their turn meanwhile, and memory
// and mistakes go with it.
bool ExecTrace::start_judge(pid_t pid) {
  const pid_t parent = ::getpid();
  const pid_t judge = ::fork();
  if (judge < 0) return false;
  if (judge == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::_exit(::getppid() == parent ? following_.judge(pid) : kNotJudged);
  }
  judges_[judge] = pid;
  return true;
}

void ExecTrace::judged(pid_t pid, int judgement) {
  switch (judgement) {
    case kNotJudged:
      return resume(pid);
    case kNotToFollow:
      detach(pid);
      return forget(pid);
    case kGoodVerdict:
    case kNothingToJudge:
      detach(pid);
      return let_go();
    default:
      failed_ = {pid, judgement};
  }
}

void ExecTrace::resume(pid_t pid, int signal) {
  if (is_on()) ask(PTRACE_CONT, pid, static_cast<unsigned long>(signal));
  else detach(pid, signal);
}

void ExecTrace::detach(pid_t pid, int signal) {
  ask(PTRACE_DETACH, pid, static_cast<unsigned long>(signal));
  tracees_.erase(pid);
}

// It has ended, or is let go. Its number may be another's by the time that a judge answers.
void ExecTrace::forget(pid_t pid) {
  tracees_.erase(pid);
  std::erase_if(judges_, [pid](const auto& entry) {
    return entry.second == pid && ::kill(entry.first, SIGKILL) == 0;
  });
  if (tracees_.empty()) let_go();
}

std::optional<ExecTrace::Clock::time_point> ExecTrace::deadline() const {
  if (!seized_ || !is_on() || !judges_.empty()) return std::nullopt;
  return until_;
}

void ExecTrace::time_is_up() {
  base::log_verbose("follow: let go, time is up (launch.follow-timeout)");
  let_go();
}

void ExecTrace::let_go() {
  if (!is_on()) return;
  following_ = {};
  just_ended_ = true;
  for (const auto& [judge, pid] : std::exchange(judges_, {})) {
    ::kill(judge, SIGKILL);
    detach(pid);
  }
  if (failed_) detach(failed_->pid);
  std::erase_if(tracees_, [](pid_t pid) { return !ask(PTRACE_INTERRUPT, pid); });
}

}  // namespace gpuinit::launch
