// Records a command in a process of its own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "page_cache.h"
#include "plan_ranges.h"
#include "seccomp/filter.h"
#include "warmup/recorder.h"

namespace gpuinit::test {

// In a process of its own: recording makes a subreaper of it and wants all signals blocked.
struct Outcome {
  std::map<std::string, std::uint64_t> bytes;  // path → total of its ranges
  int exit_code = -1;
  int exec_errno = -1;
  std::string error;
};

enum class Way { kTracer, kFilter };

// As in a container that does not allow it.
inline void forbid_ptrace() {
  seccomp::Filter filter;
  filter.rules.push_back({"ptrace", seccomp::Action::kError, EPERM, {}});
  const auto program = seccomp::compile(filter);
  if (!program || !seccomp::install(*program, seccomp::install_flags(filter))) ::_exit(1);
}

inline Outcome record_in_a_child(std::vector<std::string> words, Way way = Way::kTracer) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    if (way == Way::kFilter) forbid_ptrace();
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    warmup::RecordRequest request;
    request.path = words[0];
    request.argv = argv.data();
    request.restore_signals = [] {
      sigset_t none;
      ::sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
    };
    const auto recorded = warmup::record(request);
    std::string text;
    if (!recorded) text = "error " + recorded.error().message + "\n";
    else {
      text = "end " + std::to_string(recorded->exit_code) + " " +
             std::to_string(recorded->exec_errno) + "\n";
      for (const warmup::PlannedFile& file : recorded->plan.files)
        text += std::to_string(bytes_of(recorded->plan, file.path)) + " " + file.path + "\n";
    }
    if (::write(ends[1], text.data(), text.size()) < 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);

  Outcome outcome;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("error ")) outcome.error = line.substr(6);
    else if (line.starts_with("end "))
      std::sscanf(line.c_str(), "end %d %d", &outcome.exit_code, &outcome.exec_errno);
    else outcome.bytes[line.substr(line.find(' ') + 1)] = std::stoull(line);
  }
  return outcome;
}

inline std::uint64_t bytes_of(const Outcome& outcome, const std::string& path) {
  const auto found = outcome.bytes.find(path);
  return found == outcome.bytes.end() ? 0 : found->second;
}

inline std::string python(const DiskFile& file, const std::string& code) {
  return "import mmap, os, sys\npath = '" + file.path() + "'\n" + code;
}

}  // namespace gpuinit::test
