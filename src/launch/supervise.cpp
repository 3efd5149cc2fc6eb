#include "launch/supervise.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "gpuinit/exit_codes.h"
#include "launch/end_on_signal.h"
#include "launch/job_control.h"
#include "launch/others.h"
#include "launch/resident.h"
#include "launch/spawn_command.h"

namespace gpuinit::launch {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// SIGKILL works at once, except on who sits in the kernel (a driver that hangs).
constexpr milliseconds kKillBound{2000};
constexpr milliseconds kKillAgain{50};

std::string in_seconds(milliseconds time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g s", static_cast<double>(time.count()) / 1000);
  return text;
}

// A command that is over by then was not worth giving memory back for.
constexpr milliseconds kSettled{200};

// Whoever is told to end late, because the command has used up the grace, still has
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

class Supervisor {
 public:
  Supervisor(const SuperviseOptions& options, pid_t command, const Terminal& terminal)
      : options_(options), command_(command), jobs_(terminal, command) {}

  // Until nobody is left, or nobody can be ended.
  void run();

  const CommandEnd& end() const { return end_; }
  bool killed() const { return kill_deadline_.has_value() || command_killed_; }
  bool asked_to_stop() const { return asked_to_stop_; }
  const SharedMemory& shared_memory() const { return shared_memory_; }

 private:
  enum class Children { kNone, kSome, kMoreToReap };
  Children reap();
  void command_ended(const siginfo_t& info);
  void wait_for_something(bool at_most_look);
  void handle(int signal, const siginfo_t& info);
  void send(int signal, const siginfo_t& info);
  milliseconds last_notice() const { return std::min(kLastNotice, options_.grace); }
  bool time_is_up();
  void kill_command();

  const SuperviseOptions& options_;
  pid_t command_;
  JobControl jobs_;
  bool running_ = true;
  bool command_killed_ = false;
  CommandEnd end_;
  SharedMemory shared_memory_;
  bool asked_to_stop_ = false;
  std::optional<Clock::time_point> settles_ = Clock::now() + kSettled;
  std::optional<Clock::time_point> deadline_;       // for everybody
  std::optional<Clock::time_point> kill_deadline_;  // set once they have been killed
};

void Supervisor::run() {
  for (;;) {
    const Children children = reap();
    if (children == Children::kNone) return;
    if (settles_ && Clock::now() >= *settles_) {
      let_go_of_memory();
      settles_.reset();
    }
    if (deadline_ && Clock::now() >= *deadline_ && time_is_up()) return;
    wait_for_something(children == Children::kMoreToReap);
  }
}

Supervisor::Children Supervisor::reap() {
  for (int i = 0; i < kReapedAtOnce; ++i) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG) != 0) {
      if (errno == EINTR) continue;
      running_ = false;  // also if its status went to somebody else
      return Children::kNone;
    }
    if (info.si_pid == 0) return Children::kSome;
    if (info.si_pid != command_ || !running_) continue;
    if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) jobs_.stopped(info.si_status);
    else command_ended(info);
  }
  return Children::kMoreToReap;
}

// The others get the same chance to clean up that the command had.
void Supervisor::command_ended(const siginfo_t& info) {
  running_ = false;
  end_.known = true;
  (info.si_code == CLD_EXITED ? end_.status : end_.signal) = info.si_status;
  end_.core_dumped = info.si_code == CLD_DUMPED;
  shared_memory_ = read_shared_memory();
  jobs_.ended();
  siginfo_t none{};
  if (::waitid(P_ALL, 0, &none, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return;
  ask_others_to_end(command_);
  const auto now = Clock::now();
  deadline_ = deadline_ ? std::max(*deadline_, now + last_notice()) : now + options_.grace;
}

// For ever, unless there is something to do, now or at a certain time.
void Supervisor::wait_for_something(bool at_most_look) {
  // Of what is pending the kernel gives the lowest number first, and SIGCHLD may be
  // pending all the time.
  siginfo_t info{};
  const timespec at_once{};
  const int waiting = take_signal(kEverySignal & ~only(SIGCHLD), info, &at_once);
  if (waiting > 0) handle(waiting, info);
  if (waiting > 0 || at_most_look) return;
  std::optional<Clock::time_point> until = deadline_;
  if (settles_) until = until ? std::min(*until, *settles_) : *settles_;
  timespec left{};
  if (until) {
    const auto time = std::max(Clock::duration::zero(), *until - Clock::now());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    left.tv_sec = seconds.count();
    left.tv_nsec = std::chrono::nanoseconds(time - seconds).count();
  }
  const int signal = take_signal(kEverySignal, info, until ? &left : nullptr);
  // SIGCHLD only says that somebody may be reaped; one may stand for many.
  if (signal > 0 && signal != SIGCHLD) handle(signal, info);
}

void Supervisor::handle(int signal, const siginfo_t& info) {
  const auto rule = options_.signals.find(signal);
  const int sent = rule == options_.signals.end() ? signal : rule->second;
  if (sent == 0) return;
  if (!running_) {
    // They are ending; who is stopped would not.
    if (sent == SIGTERM) ask_others_to_end(command_);
    else if (!is_terminal_stop(sent)) signal_others(sent, command_);
    return;
  }
  if (is_stop_request(signal) || is_stop_request(sent)) asked_to_stop_ = true;
  if ((signal == SIGTERM || sent == SIGTERM) && !deadline_)
    deadline_ = Clock::now() + options_.grace;
  jobs_.forwarding(sent);
  send(sent, info);
}

void Supervisor::send(int signal, const siginfo_t& info) {
  // A command that has left its group is the one to ask all the same.
  if (options_.signal_group && ::kill(-command_, signal) == 0) return;
  // sigqueue(3) carries a value, which kill(2) would lose.
  if (info.si_code == SI_QUEUE) {
    siginfo_t copy = info;
    copy.si_signo = signal;
    if (::syscall(SYS_rt_sigqueueinfo, command_, signal, &copy) == 0) return;
  }
  ::kill(command_, signal);
}

// The command kept its workers from being told: they are, before they are killed.
void Supervisor::kill_command() {
  command_killed_ = true;
  ::kill(command_, SIGKILL);
  ask_others_to_end(command_);
  deadline_ = Clock::now() + last_notice();
  options_.say("killed the command (pid " + std::to_string(command_) + "), still there " +
               in_seconds(options_.grace) + " after SIGTERM (launch.grace)");
}

// First the command, then everybody, again and again while there is somebody; true
// if it is no use.
bool Supervisor::time_is_up() {
  if (running_ && !command_killed_) {
    kill_command();
    return false;
  }
  const auto now = Clock::now();
  const std::vector<Process> left = kill_others(command_);
  const std::string names = left.empty() ? "processes that /proc does not show" : names_of(left);
  if (!kill_deadline_) {
    kill_deadline_ = now + kKillBound;
    options_.say("killed what was still there " +
                 in_seconds(command_killed_ ? last_notice() : options_.grace) +
                 " after SIGTERM (launch.grace): " + names);
  } else if (now >= *kill_deadline_) {
    options_.say("left behind, since SIGKILL has not ended it: " + names);
    return true;
  }
  deadline_ = now + kKillAgain;
  return false;
}

int exit_code_of(const Supervisor& supervisor) {
  const CommandEnd& end = supervisor.end();
  // It did not even end by SIGKILL (a driver that hangs), or a tracer has its status.
  if (!end.known) return supervisor.killed() ? kExitSignalBase + SIGKILL : kExitInternal;
  return end.signal != 0 ? kExitSignalBase + end.signal : end.status;
}

// The exit code, changed only if the driver was lost and that is to be told.
int hold_postmortem(const SuperviseOptions& options, Scene scene, int exit_code) {
  if (const auto fs = base::RootFs::open("/")) scene.memory = read_cgroup_memory(*fs);
  if (options.ask_driver) scene.driver = options.ask_driver();
  const std::string paragraph = describe_scene(scene);
  if (!paragraph.empty()) options.say(paragraph);
  return scene.driver.lost && options.postmortem_exit ? static_cast<int>(kExitNode) : exit_code;
}

// Orphans come to PID 1 by themselves; elsewhere they must be asked for. Where
// that is refused they go to somebody else, and all else works.
void become_reaper() {
  if (::getpid() != 1) ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void tie_to_parent(int signal, pid_t parent) {
  if (signal == 0) return;
  ::prctl(PR_SET_PDEATHSIG, signal);
  if (::getppid() != parent) ::kill(::getpid(), signal);  // it died before
}

}  // namespace

int supervise(const SuperviseOptions& options, const InheritedState& inherited,
              const std::string& path, char* const* argv) {
  const Terminal terminal;
  become_reaper();
  tie_to_parent(options.parent_death_signal, inherited.parent());

  SpawnRequest request;
  request.path = path;
  request.argv = argv;
  request.foreground = terminal.is_ours();
  request.parent_death_signal = options.parent_death_signal;
  // Under an inherited SIG_IGN the kernel would reap, and nobody would hear of it.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &standard, &request.sigchld);

  const Spawned spawned = spawn_command(request, terminal, inherited);
  if (spawned.pid < 0) {
    if (request.foreground) terminal.give_to(::getpgrp());
    options.say(spawned.failure.message);
    return spawned.failure.exit_code;
  }

  let_go_of_files(terminal.fd());
  Scene scene;
  if (options.postmortem)
    if (const auto fs = base::RootFs::open("/")) scene.oom_kills_before = read_oom_kills(*fs);

  Supervisor supervisor(options, spawned.pid, terminal);
  supervisor.run();

  const int exit_code = exit_code_of(supervisor);
  const auto& good = options.exit_zero;
  if (std::find(good.begin(), good.end(), exit_code) != good.end()) return kExitGood;
  if (exit_code == 0 || !options.postmortem || supervisor.asked_to_stop()) return exit_code;
  scene.end = supervisor.end();
  scene.shared_memory = supervisor.shared_memory();
  const EndOnSignal impatience(inherited, kStopRequests, exit_code);
  return hold_postmortem(options, std::move(scene), exit_code);
}

}  // namespace gpuinit::launch
