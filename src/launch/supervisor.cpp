#include "launch/supervisor.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/helper_process.h"
#include "base/reap_group.h"
#include "base/seconds_text.h"
#include "base/signal_name.h"
#include "base/standard_error.h"
#include "launch/idle_footprint.h"
#include "launch/signal_set.h"

namespace gpuinit::launch {

namespace {

using std::chrono::milliseconds;

// SIGKILL works at once, except on a process inside the kernel (a driver that hangs).
constexpr milliseconds kKillBound{2000};
constexpr milliseconds kKillAgain{50};

// A command that is over by then was not worth giving memory back for.
constexpr milliseconds kSettled{200};

// A process that is asked to end late, because the command has used up the grace, still has
// this much; 8 s and this are below docker's 10 s.
constexpr milliseconds kLastNotice{1000};

// Children may die faster than they can be reaped; signals and deadlines have their
// turn all the same.
constexpr int kReapedAtOnce = 64;

constexpr bool is_stop_request(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

constexpr bool is_terminal_stop(int signal) {
  return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

}  // namespace

std::chrono::milliseconds Supervisor::last_notice() const {
  return std::min(kLastNotice, options_.grace);
}

void Supervisor::run() {
  settles_ = Clock::now() + kSettled;
  for (;;) {
    const Children children = reap();
    if (children == Children::kNone) return;
    if (running_ && refused_stop_ != 0 && ::getpid() == 1) return;
    if (trace_.deadline() && Clock::now() >= *trace_.deadline()) trace_.time_is_up();
    if (trace_.has_just_ended()) settles_ = Clock::now() + kSettled;
    if (keepalive_.next_check() && Clock::now() >= *keepalive_.next_check()) keepalive_.check();
    if (deadline_ && Clock::now() >= *deadline_ && time_is_up()) return;
    wait_for_something(children == Children::kMoreToReap);
  }
}

Supervisor::Children Supervisor::reap() {
  for (int i = 0; i < kReapedAtOnce; ++i) {
    siginfo_t info{};
    if (base::wait_for(P_ALL, 0, info, WEXITED | WSTOPPED | WNOHANG) != 0) {
      if (errno == EINTR) continue;
      // Where a filter refuses to say, /proc does.
      if (errno != ECHILD && !descendants().empty()) return Children::kSome;
      running_ = false;  // also if another process took its status
      return Children::kNone;
    }
    if (info.si_pid == 0)
      return !running_ && only_helpers_are_left() ? Children::kNone : Children::kSome;
    const bool is_stop = info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED;
    if (!is_stop) base::helper_was_reaped(info.si_pid);
    if (trace_.handled(info)) {
      if (trace_.failed() && trace_.is_on()) end_by_verdict();
      continue;
    }
    if (keepalive_.reaped(info)) {
      if (running_) settles_ = Clock::now() + kSettled;  // what the checks of /proc took
      continue;
    }
    if (info.si_pid != command_ || !running_) continue;
    if (is_stop) jobs_.stopped(info.si_status);
    else command_ended(info);
  }
  return Children::kMoreToReap;
}

bool Supervisor::is_helper(const Process& process) const {
  return process.pid == keepalive_.pid() || process.parent == keepalive_.pid() ||
         base::is_helper(process.pid) || base::is_helper(process.parent);
}

// They have been killed, and take too long to go to be waited for.
bool Supervisor::only_helpers_are_left() const {
  if (keepalive_.abandon_at() ? Clock::now() < *keepalive_.abandon_at() : !base::has_helpers())
    return false;
  const std::vector<Process> left = descendants();
  return !left.empty() &&
         std::ranges::all_of(left, [this](const Process& process) { return is_helper(process); });
}

// The others get the same chance to clean up that the command had.
void Supervisor::command_ended(const siginfo_t& info) {
  running_ = false;
  keepalive_.end();
  trace_.let_go();
  end_.known = true;
  (info.si_code == CLD_EXITED ? end_.status : end_.signal) = info.si_status;
  end_.core_dumped = info.si_code == CLD_DUMPED;
  if (end_.signal != 0 || end_.status != 0) shared_memory_ = read_shared_memory();
  jobs_.ended();
  siginfo_t none{};
  if (::waitid(P_ALL, 0, &none, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return;
  terminate_the_others();
  if (::getpid() == 1 && none_may_be_signalled()) {
    // Nothing can be asked of them, and the kernel ends them with us.
    deadline_ = Clock::now();
    return;
  }
  const auto now = Clock::now();
  deadline_ = deadline_ ? std::max(*deadline_, now + last_notice()) : now + options_.grace;
}

// What was judged has not run yet, and does not. The others may clean up; they are asked first,
// so that a shell does not go on with its next line.
void Supervisor::end_by_verdict() {
  const pid_t judged = trace_.failed()->pid;
  keepalive_.end();
  terminate_the_others();
  ::kill(judged, SIGKILL);
  trace_.let_go();
  if (!deadline_) deadline_ = Clock::now() + options_.grace;
}

// nullopt if nothing happens without a signal.
std::optional<Supervisor::Clock::time_point> Supervisor::next_deadline() const {
  std::optional<Clock::time_point> first = deadline_;
  const auto or_at = [&first](const std::optional<Clock::time_point>& time) {
    if (time && (!first || *time < *first)) first = time;
  };
  or_at(settles_);
  or_at(trace_.deadline());
  or_at(keepalive_.next_check());
  // Once: afterwards there is nothing left but to reap.
  if (!running_ && keepalive_.abandon_at() > Clock::now()) or_at(keepalive_.abandon_at());
  return first;
}

// Sleeps until the next deadline, or for ever.
void Supervisor::wait_for_something(bool at_most_look) {
  // Of what is pending the kernel gives the lowest number first, and SIGCHLD may be
  // pending all the time.
  siginfo_t info{};
  const timespec at_once{};
  const int waiting = take_signal(kEverySignal & ~only(SIGCHLD), info, &at_once);
  if (waiting > 0) handle(waiting, info);
  if (waiting > 0 || at_most_look) return;
  const bool settled = settles_ && Clock::now() >= *settles_;
  if (settled) settles_.reset();
  const auto until = next_deadline();
  timespec left{};
  if (until) {
    const auto time = std::max(Clock::duration::zero(), *until - Clock::now());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    left.tv_sec = seconds.count();
    left.tv_nsec = std::chrono::nanoseconds(time - seconds).count();
  }
  const auto take = settled ? take_signal_released : take_signal;
  const int signal = take(kEverySignal, info, until ? &left : nullptr);
  // SIGCHLD only says that a child may be reaped; one may stand for many.
  if (signal > 0 && signal != SIGCHLD) handle(signal, info);
}

void Supervisor::handle(int signal, const siginfo_t& info) {
  const auto rule = options_.signals.find(signal);
  const int sent = rule == options_.signals.end() ? signal : rule->second;
  if (sent == 0) return;
  if (!running_) {
    // They are ending; a stopped one would not.
    if (sent == SIGTERM) terminate_remaining(command_);  // they are asked once more
    else if (!is_terminal_stop(sent)) signal_remaining(sent, command_);
    return;
  }
  if (is_stop_request(signal) || is_stop_request(sent)) {
    asked_to_stop_ = true;
    if (trace_.is_judging()) trace_.let_go();
  }
  if ((signal == SIGTERM || sent == SIGTERM) && !deadline_) {
    deadline_ = Clock::now() + options_.grace;
    keepalive_.end();
  }
  jobs_.forwarding(sent);
  if (!send(sent, info) && errno == EPERM)
    cannot_forward(sent, is_stop_request(signal) || is_stop_request(sent));
}

// False and errno if it was refused.
bool Supervisor::send(int signal, const siginfo_t& info) {
  if (options_.signal_group) {
    std::set<pid_t> members;
    if (signal == SIGTERM) members = members_of(command_);
    // A command that has left its group is the one to ask all the same.
    if (::kill(-command_, signal) == 0) {
      told_.merge(members);
      return true;
    }
  }
  // sigqueue(3) carries a value, which kill(2) would lose.
  if (info.si_code == SI_QUEUE) {
    siginfo_t copy = info;
    copy.si_signo = signal;
    if (::syscall(SYS_rt_sigqueueinfo, command_, signal, &copy) == 0) return true;
  }
  return ::kill(command_, signal) == 0;
}

// It runs as another user (gosu, su-exec, setpriv), and gpuinit may not signal it.
void Supervisor::cannot_forward(int signal, bool is_stop) {
  const bool ends = is_stop && ::getpid() == 1;
  if (is_stop) refused_stop_ = signal;
  if (refusal_is_told_ && !ends) return;
  refusal_is_told_ = true;
  base::print_notice(base::signal_name(signal) +
                     " was not forwarded: the command is another user's, and gpuinit lacks "
                     "CAP_KILL (--cap-add KILL)" +
                     (ends ? "; gpuinit ends, and the kernel every other process with it" : ""));
}

// The command did not pass SIGTERM on to its workers: they get it before they are killed.
void Supervisor::kill_command() {
  command_killed_ = true;
  const bool refused = ::kill(command_, SIGKILL) != 0 && errno == EPERM;
  terminate_the_others();
  deadline_ = Clock::now() + last_notice();
  if (refused) return;  // time_is_up() says what becomes of it
  base::print_notice("killed the command (pid " + std::to_string(command_) + "), still there " +
                     base::seconds_text(options_.grace) + " after SIGTERM (launch.grace)");
}

// Kills first the command, then all others, again and again while any is left; true once that
// is no use.
bool Supervisor::time_is_up() {
  if (running_ && !command_killed_) {
    kill_command();
    return false;
  }
  const auto now = Clock::now();
  std::vector<Process> left = kill_remaining(command_);
  if (std::erase_if(left, [this](const Process& p) { return is_helper(p); }) > 0 && left.empty())
    return true;
  const std::string names = left.empty() ? "processes that /proc does not show" : names_of(left);
  if (!left.empty() && std::ranges::all_of(left, &Process::refused)) {
    base::print_notice("left behind, since gpuinit lacks CAP_KILL: " + names);
    return true;
  }
  if (!kill_deadline_) {
    kill_deadline_ = now + kKillBound;
    base::print_notice("killed what was still there " +
                       base::seconds_text(command_killed_ ? last_notice() : options_.grace) +
                       " after SIGTERM (launch.grace): " + names);
  } else if (now >= *kill_deadline_) {
    base::print_notice("left behind, since SIGKILL has not ended it: " + names);
    return true;
  }
  deadline_ = now + kKillAgain;
  return false;
}

}  // namespace gpuinit::launch
