// Runs a program to its end and keeps what it said.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace gpuinit::test {

struct Ran {
  int exit_code = -1;  // 128 + n when signal n ended it
  std::string out;
  std::string err;
  bool timed_out = false;
};

struct RunOptions {
  // Replaces the whole environment when `only_this_environment`, else is added to it.
  std::map<std::string, std::string> environment;
  bool only_this_environment = false;
  std::string directory;                      // cwd; empty: as it is
  std::chrono::milliseconds timeout{60'000};  // then SIGKILL
  std::function<void()> in_child;             // just before exec
};

inline Ran run_program(const std::vector<std::string>& argv, const RunOptions& options = {}) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe2");
  std::map<std::string, std::string> variables;
  if (!options.only_this_environment) {
    for (char** v = environ; *v != nullptr; ++v) {
      const std::string text = *v;
      variables.emplace(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
    }
  }
  for (const auto& [name, value] : options.environment) variables[name] = value;
  std::vector<std::string> assignments;
  for (const auto& [name, value] : variables) assignments.push_back(name + "=" + value);
  std::vector<char*> words;
  std::vector<char*> envp;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  for (const auto& text : assignments) envp.push_back(const_cast<char*>(text.c_str()));
  words.push_back(nullptr);
  envp.push_back(nullptr);

  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(251);
    if (options.in_child) options.in_child();
    ::execvpe(words[0], words.data(), envp.data());
    ::_exit(250);
  }
  ::close(out[1]);
  ::close(err[1]);
  Ran ran;
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  pollfd polled[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  std::string* into[2] = {&ran.out, &ran.err};
  int open = 2;
  while (open > 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      ::kill(pid, SIGKILL);
      ran.timed_out = true;
      break;
    }
    if (::poll(polled, 2, static_cast<int>(left.count())) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      char piece[65536];
      const ssize_t got = ::read(polled[i].fd, piece, sizeof piece);
      if (got > 0) {
        into[i]->append(piece, static_cast<std::size_t>(got));
      } else {
        polled[i].fd = -1;
        --open;
      }
    }
  }
  ::close(out[0]);
  ::close(err[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

}  // namespace gpuinit::test
