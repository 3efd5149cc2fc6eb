// Sends SIGTERM to an init at every point of its first milliseconds and counts the
// lost ones: those after which the command ran on to its own end.
//
//   early_signal TRIES MICROSECONDS pid1|child INIT [ARGUMENT...]
//
// The command `sleep 0.4` is added. Needs root for pid1. Prints one line.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

// Returns the wait status. The pipe's end closes at exec's point of no return.
int try_once(bool new_namespace, char** argv, std::chrono::microseconds delay) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const unsigned long flags = SIGCHLD | (new_namespace ? CLONE_NEWPID | CLONE_NEWNS : 0);
  const long pid = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
  if (pid < 0) {
    std::perror("clone");
    std::exit(2);
  }
  if (pid == 0) {
    if (new_namespace) {
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
      ::mount("proc", "/proc", "proc", 0, nullptr);
    }
    const int quiet = ::open("/dev/null", O_WRONLY);
    ::dup2(quiet, 2);
    pin(1);
    ::execv(argv[0], argv);
    ::_exit(126);
  }
  ::close(ends[1]);
  char byte;
  [[maybe_unused]] const auto end = ::read(ends[0], &byte, 1);
  const auto exec = Clock::now();
  while (Clock::now() - exec < delay) {
  }
  ::kill(static_cast<pid_t>(pid), SIGTERM);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(static_cast<pid_t>(pid), &status, 0);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const int tries = std::atoi(argv[1]);
  const int microseconds = std::atoi(argv[2]);
  const bool pid1 = std::strcmp(argv[3], "pid1") == 0;
  std::vector<char*> words(argv + 4, argv + argc);
  static char sleep[] = "/bin/sleep";
  static char time[] = "0.4";
  words.insert(words.end(), {sleep, time, nullptr});
  pin(0);
  int lost = 0;
  int odd = 0;
  for (int i = 0; i < tries; ++i) {
    const std::chrono::microseconds delay(static_cast<long>(microseconds) * i / tries);
    const int status = try_once(pid1, words.data(), delay);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) ++lost;
    else if (WIFEXITED(status) ? WEXITSTATUS(status) != 128 + SIGTERM : WTERMSIG(status) != SIGTERM)
      ++odd;
  }
  std::printf("%-5s lost %4d of %d", argv[3], lost, tries);
  if (odd != 0) std::printf(" (%d ended otherwise)", odd);
  std::printf("  %s\n", argv[4]);
  return 0;
}
