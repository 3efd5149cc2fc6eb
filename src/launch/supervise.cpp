#include "launch/supervise.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/script_text.h"
#include "base/standard_error.h"
#include "gpuinit/exit_codes.h"
#include "launch/end_on_signal.h"
#include "launch/idle_footprint.h"
#include "launch/keepalive_watch.h"
#include "launch/spawn_command.h"
#include "launch/supervisor.h"
#include "launch/terminal.h"

namespace gpuinit::launch {

namespace {

int exit_code_of(const Supervisor& supervisor) {
  const CommandEnd& end = supervisor.end();
  if (!end.known && supervisor.refused_stop() != 0)
    return kExitSignalBase + supervisor.refused_stop();
  // It did not even end by SIGKILL (a driver that hangs), or a tracer has its status.
  if (!end.known) return supervisor.killed() ? kExitSignalBase + SIGKILL : kExitInternal;
  return end.signal != 0 ? kExitSignalBase + end.signal : end.status;
}

// The exit code, changed only if the driver was lost and the policy wants that to show.
int write_postmortem(const SuperviseOptions& options, ExitContext context, int exit_code) {
  if (const auto fs = base::RootFs::open("/")) context.memory = base::read_cgroup_memory(*fs);
  if (options.ask_driver) context.driver = options.ask_driver();
  if (context.driver.lost && options.postmortem_exit) exit_code = kExitNode;
  const Postmortem postmortem = describe_exit(context);
  if (postmortem.says_why) options.tell_end(exit_code, postmortem.text, /*command_ran=*/true);
  else if (!postmortem.text.empty()) base::print_postmortem(postmortem.text, exit_code);
  return exit_code;
}

// Orphans come to PID 1 by themselves; elsewhere they must be asked for. Where that is
// refused another process gets them, and all else works.
void become_reaper() {
  if (::getpid() != 1) ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void tie_to_parent(int signal, pid_t parent) {
  if (signal == 0) return;
  ::prctl(PR_SET_PDEATHSIG, signal);
  if (::getppid() != parent) ::kill(::getpid(), signal);  // it died before
}

}  // namespace

int supervise(SuperviseOptions options, const InheritedState& inherited, const std::string& path,
              char* const* argv) {
  const Terminal terminal;
  become_reaper();
  tie_to_parent(options.parent_death_signal, inherited.parent());

  SpawnRequest request;
  request.path = path;
  request.argv = argv;
  request.foreground = terminal.is_ours();
  request.parent_death_signal = options.parent_death_signal;
  request.filter = options.filter;
  // Under an inherited SIG_IGN the kernel would reap, and we would never learn of it.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &standard, &request.sigchld);
  ExecTrace trace(std::exchange(options.following, {}));
  request.trace = &trace;

  Spawned spawned = spawn_command(request, terminal, inherited);
  std::vector<char*> words;
  if (spawned.failure.shell_runs_it) {
    base::print_notice(spawned.failure.message);
    words = words_for_shell(path, argv);
    request.path = base::kShell;
    request.argv = words.data();
    spawned = spawn_command(request, terminal, inherited);
  }
  KeepaliveWatch keepalive(options.driver_keepalive, options.keepalive_limit);
  if (spawned.pid < 0) {
    if (request.foreground) terminal.give_to(::getpgrp());
    options.tell_end(spawned.failure.exit_code, spawned.failure.message, /*command_ran=*/false);
    return spawned.failure.exit_code;
  }

  release_files(terminal.fd());
  ExitContext context;
  if (options.postmortem)
    if (const auto fs = base::RootFs::open("/"))
      context.oom_kills_before = base::read_oom_kills(*fs);

  Supervisor supervisor(options, spawned.pid, terminal, keepalive, trace);
  supervisor.run();
  if (trace.failed()) return trace.failed()->exit_code;
  // Not one of the command's processes.
  if (keepalive.killed_by_other() && context.oom_kills_before) ++*context.oom_kills_before;

  const int exit_code = exit_code_of(supervisor);
  const auto& good = options.exit_zero;
  if (std::find(good.begin(), good.end(), exit_code) != good.end()) return kExitGood;
  if (exit_code == 0 || !options.postmortem || supervisor.asked_to_stop()) return exit_code;
  context.end = supervisor.end();
  context.shared_memory = supervisor.shared_memory();
  const EndOnSignal impatience(inherited, kStopRequests, exit_code);
  return write_postmortem(options, std::move(context), exit_code);
}

}  // namespace gpuinit::launch
