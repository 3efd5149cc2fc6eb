// Signal sets as the kernel has them: all 64. The C library's own functions
// leave out 32 and 33, which it keeps for threads, and PID 1 must forward those too.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

namespace gpuinit::launch {

using SignalSet = std::uint64_t;  // bit n-1 is signal n

inline constexpr SignalSet kEverySignal = ~SignalSet{0};

constexpr SignalSet only(int signal) { return SignalSet{1} << (signal - 1); }
constexpr bool contains(SignalSet set, int signal) { return (set & only(signal)) != 0; }

// Replaces the mask of this thread; the kernel leaves out SIGKILL and SIGSTOP.
// Returns the old one.
inline SignalSet set_blocked(SignalSet mask) {
  SignalSet old = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &old, sizeof mask);
  return old;
}

inline SignalSet blocked() {
  SignalSet now = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &now, sizeof now);
  return now;
}

inline SignalSet pending() {
  SignalSet now = 0;
  ::syscall(SYS_rt_sigpending, &now, sizeof now);
  return now;
}

// The next pending signal of `set`, which must be blocked; without a timeout it
// waits for ever. -1 with EAGAIN when time is up, EINTR after a stop.
inline int take_signal(SignalSet set, siginfo_t& info, const timespec* timeout) {
  return static_cast<int>(::syscall(SYS_rt_sigtimedwait, &set, &info, timeout, sizeof set));
}

// True if one was pending; it no longer is.
inline bool drop_pending(int signal) {
  siginfo_t info;
  const timespec at_once{};
  return take_signal(only(signal), info, &at_once) == signal;
}

}  // namespace gpuinit::launch
