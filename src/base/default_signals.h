// Signals of a forked process of ours until it execs: as in any other process.
#pragma once

#include <csignal>

namespace gpuinit::base {

// Every disposition at its default and nothing blocked. Handlers first, then the mask: a
// signal that was waiting must not find one of ours.
inline void take_default_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace gpuinit::base
