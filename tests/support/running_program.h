// A program that runs beside the test: to be talked to, signalled, and waited for.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/run_program.h"

namespace gpuinit::test {

enum class Place {
  kChild,     // an ordinary child process
  kPid1,      // PID 1 of a new pid namespace with a /proc of its own; needs root
  kBarePid1,  // the same without procfs
};

class RunningProgram {
 public:
  // Standard output and error both go into `said`; with `terminal` all three are a
  // pseudo-terminal that is the controlling one of a new session.
  RunningProgram(const std::vector<std::string>& argv, const RunOptions& options,
                 Place place = Place::kChild, bool terminal = false) {
    std::vector<std::string> assignments;
    for (const auto& [name, value] : options.environment) assignments.push_back(name + "=" + value);
    std::vector<char*> words;
    std::vector<char*> envp;
    for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    for (const auto& text : assignments) envp.push_back(const_cast<char*>(text.c_str()));
    words.push_back(nullptr);
    envp.push_back(nullptr);

    int ends[2];
    if (terminal) {
      if (::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr) != 0)
        throw std::runtime_error("openpty");
    } else if (::pipe(ends) != 0) {
      throw std::runtime_error("pipe");
    }
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    const unsigned long flags = SIGCHLD | (place == Place::kChild ? 0 : CLONE_NEWPID | CLONE_NEWNS);
    const long pid = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
    if (pid < 0) throw std::runtime_error("clone: are we root?");
    if (pid == 0) {
      if (place != Place::kChild) {
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        const char* kind = place == Place::kPid1 ? "proc" : "tmpfs";
        if (::mount(kind, "/proc", kind, 0, nullptr) != 0) ::_exit(253);
        // The sanitizers' run-time library reads its options there, and nowhere else.
        if (place == Place::kBarePid1) {
          std::filesystem::create_directory("/proc/self");
          std::ofstream environment("/proc/self/environ");
          for (const auto& text : assignments) environment << text << '\0';
        }
      }
      if (terminal) {
        ::setsid();
        ::ioctl(ends[1], TIOCSCTTY, 0);
        ::dup2(ends[1], 0);
      }
      ::dup2(ends[1], 1);
      ::dup2(ends[1], 2);
      if (ends[1] > 2) ::close(ends[1]);
      if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(251);
      if (options.in_child) options.in_child();
      ::execvpe(words[0], words.data(), envp.data());
      ::_exit(250);
    }
    pid_ = static_cast<pid_t>(pid);
    output_ = ends[0];
    ::close(ends[1]);
  }
  ~RunningProgram() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(output_);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  pid_t pid() const { return pid_; }
  const std::string& said() const { return said_; }
  void send(int signal) const { ::kill(pid_, signal); }

  // Types on the terminal.
  void type(const std::string& keys) const {
    if (::write(output_, keys.data(), keys.size()) < 0) throw std::runtime_error("type");
  }

  // Reads until the output has `text`, `times` times; false after the time.
  bool says(const std::string& text, int times = 1,
            std::chrono::milliseconds within = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (count(text) < times)
      if (!read_more(deadline)) return count(text) >= times;
    return true;
  }

  int count(const std::string& text) const {
    int found = 0;
    for (auto at = said_.find(text); at != std::string::npos; at = said_.find(text, at + 1))
      ++found;
    return found;
  }

  // The exit code, 128 + n for a signal; -1 if it does not end in time (it is killed).
  int finish(std::chrono::milliseconds within = std::chrono::seconds(30)) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    int status = 0;
    pid_t got = 0;
    while (got == 0 && std::chrono::steady_clock::now() < deadline) {
      read_more(std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
      got = ::waitpid(pid_, &status, WNOHANG);
    }
    const bool hung = got == 0;
    if (hung) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    while (read_more(std::chrono::steady_clock::now() + std::chrono::milliseconds(50))) {
    }
    if (hung) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  // Its direct children, numbered as the test sees them.
  std::vector<pid_t> children() const {
    const std::string id = std::to_string(pid_);
    std::ifstream file("/proc/" + id + "/task/" + id + "/children");
    std::vector<pid_t> pids;
    for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
    return pids;
  }

 private:
  // False when time is up or the output has ended.
  bool read_more(std::chrono::steady_clock::time_point deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd polled{output_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&polled, 1, static_cast<int>(left.count())) <= 0) return false;
    char piece[65536];
    const ssize_t got = ::read(output_, piece, sizeof piece);
    if (got <= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return false;
    }
    said_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::string said_;
};

// A line of /proc/PID/status, "" if there is none.
inline std::string status_line(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":")) return line;
  return "";
}

}  // namespace gpuinit::test
