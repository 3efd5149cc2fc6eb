#include "launch/job_control.h"

#include <unistd.h>

#include <cerrno>

#include "launch/signal_set.h"

namespace gpuinit::launch {

void JobControl::forwarding(int signal) {
  if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU || signal == SIGSTOP)
    stop_was_forwarded_ = true;
  if (signal != SIGCONT) return;
  stop_was_forwarded_ = false;
  // A shell's `fg` has given the foreground to us.
  if (terminal_.is_own_failure()) terminal_.give_to(command_);
}

void JobControl::stopped(int signal) {
  // Without a terminal, and by SIGSTOP, a stop is somebody's wish.
  if (terminal_.fd() < 0) return;
  const bool wants_terminal = signal == SIGTTIN || signal == SIGTTOU;
  if (!wants_terminal && signal != SIGTSTP) return;
  if (wants_terminal && terminal_.is_own_failure()) {
    terminal_.give_to(command_);
    ::kill(-command_, SIGCONT);
    return;
  }
  ::kill(0, signal);
  // Here the kernel stops us, unless our group is orphaned.
  set_blocked(kEverySignal & ~only(signal));
  set_blocked(kEverySignal);
  const bool resumed = drop_pending(SIGCONT);
  if (!resumed && stop_was_forwarded_) return;
  stop_was_forwarded_ = false;
  if (terminal_.is_own_failure()) terminal_.give_to(command_);
  // Who does not get the foreground would stop again at once, and nobody is there to
  // give it: a reader in an orphaned group must fail, not wait for ever.
  if (!resumed && wants_terminal && terminal_.foreground() != command_) ::kill(-command_, SIGHUP);
  ::kill(-command_, SIGCONT);
}

void JobControl::ended() {
  const pid_t owner = terminal_.foreground();
  if (owner <= 0 || owner == ::getpgrp()) return;
  // Its group, or one of its jobs that is gone by now; never that of another shell.
  if (owner == command_ || (::kill(-owner, 0) != 0 && errno == ESRCH))
    terminal_.give_to(::getpgrp());
}

}  // namespace gpuinit::launch
