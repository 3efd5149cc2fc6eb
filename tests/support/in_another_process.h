// Work that changes what a process has only one of.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace gpuinit::test {

// Runs `work` in a child of its own, so that it may change what a process has only one of
// (signals, limits, seccomp, root directory), and returns what it returned.
inline std::string in_another_process(const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe failed";
  const pid_t child = ::fork();
  if (child == 0) {
    // Out of the way of tests about low numbers.
    const int result = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 100);
    ::close(ends[0]);
    ::close(ends[1]);
    const std::string text = work();
    const bool written =
        ::write(result, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  while (const ssize_t got = ::read(ends[0], buffer, sizeof buffer)) {
    if (got < 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) text += " [wait status " + std::to_string(status) + "]";
  return text;
}

}  // namespace gpuinit::test
