// The state that a shell job or a container engine might hand over: of everything that is
// inherited, a value that no default has.
#pragma once

#include <fcntl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace gpuinit::test {

inline void odd_state() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGUSR1, SIGTERM, SIGTSTP, SIGRTMIN + 3}) sigaddset(&mask, signal);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  for (const int signal : {SIGHUP, SIGCHLD, SIGPIPE, SIGTTOU}) std::signal(signal, SIG_IGN);
  const int file = ::open("/etc/passwd", O_RDONLY | O_APPEND);
  ::dup2(file, 77);
  ::close(file);
  ::close(0);
  ::umask(0137);
  ::prctl(PR_SET_TIMERSLACK, 77'777, 0, 0, 0);
  ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  ::personality(ADDR_NO_RANDOMIZE);
  ::setpriority(PRIO_PROCESS, 0, 3);
  const rlimit files{345, 456};
  ::setrlimit(RLIMIT_NOFILE, &files);
  const rlimit core{12'345, 12'345};
  ::setrlimit(RLIMIT_CORE, &core);
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY);
  [[maybe_unused]] const auto written = ::write(score, "123", 3);
  ::close(score);
}

}  // namespace gpuinit::test
