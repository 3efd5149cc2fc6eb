#include "launch/end_on_signal.h"

#include <unistd.h>

#include "base/sudden_end.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::launch {

namespace {

volatile sig_atomic_t end_exit_code = -1;

extern "C" void gpuinit_end_now(int signal) {
  if (const auto act = base::at_sudden_end.load()) act();
  ::_exit(end_exit_code >= 0 ? end_exit_code : kExitSignalBase + signal);
}

}  // namespace

SignalSet ending_signals() {
  SignalSet set = kEverySignal;
  // signal(7): ignored or stopping by default, faults, and what cannot be handled.
  for (const int signal :
       {SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP, SIGKILL, SIGSEGV,
        SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPIPE})
    set &= ~only(signal);
  return set;
}

EndOnSignal::EndOnSignal(const InheritedState& inherited, SignalSet set, int exit_code) {
  end_exit_code = exit_code;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (!contains(set & ~inherited.mask(), signal)) continue;
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action.sa_handler = gpuinit_end_now;
    if (::sigaction(signal, &action, nullptr) == 0) handled_ |= only(signal);
  }
  set_blocked(blocked() & ~handled_);
}

EndOnSignal::~EndOnSignal() {
  set_blocked(blocked() | handled_);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal)
    if (contains(handled_, signal)) ::sigaction(signal, &standard, nullptr);
}

}  // namespace gpuinit::launch
