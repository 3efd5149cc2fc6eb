#include "launch/remaining_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"

namespace gpuinit::launch {

namespace {

constexpr std::size_t kMaxProcesses = 100'000;
constexpr std::size_t kThreadsField = 17;  // counted from the state
constexpr std::size_t kNamed = 10;

bool is_pid1() { return ::getpid() == 1; }

bool proc_is_ours() {
  char target[32];
  const ssize_t length = ::readlink("/proc/self", target, sizeof target);
  return length > 0 &&
         std::string_view(target, static_cast<std::size_t>(length)) == std::to_string(::getpid());
}

std::string read_stat(const char* pid) {
  const std::string path = std::string("/proc/") + pid + "/stat";
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char bytes[1024];
  const ssize_t got = fd.valid() ? ::read(fd.get(), bytes, sizeof bytes) : -1;
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
}

std::vector<Process> all_processes() {
  std::vector<Process> all;
  if (!proc_is_ours()) return all;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
  if (!directory) return all;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    Process process = parse_stat(read_stat(entry->d_name));
    if (process.pid > 0) all.push_back(std::move(process));
    if (all.size() >= kMaxProcesses) break;
  }
  return all;
}

// `remaining` is used only where we are not PID 1.
void send(int signal, pid_t group, const std::vector<Process>& remaining) {
  if (is_pid1()) ::kill(-1, signal);
  else if (remaining.empty()) ::kill(-group, signal);
  else
    for (const auto& process : remaining) ::kill(process.pid, signal);
}

std::vector<Process> remaining_to_send() {
  return is_pid1() ? std::vector<Process>() : remaining_processes();
}

}  // namespace

// proc(5): "pid (comm) state ppid …", num_threads is the 20th; comm may hold blanks
// and parentheses.
Process parse_stat(const std::string& line) {
  const auto open = line.find(" (");
  const auto close = line.rfind(") ");
  if (open == std::string::npos || close == std::string::npos || close < open + 2) return {};
  const auto fields = base::split(std::string_view(line).substr(close + 2), ' ');
  const auto pid = base::parse_number(std::string_view(line).substr(0, open));
  if (!pid || fields.size() < 2 || fields[0] == "X") return {};
  // A process whose first thread has ended while others go on looks like a zombie.
  if (fields[0] == "Z") {
    const auto threads =
        fields.size() > kThreadsField ? base::parse_number(fields[kThreadsField]) : std::nullopt;
    if (threads.value_or(0) < 2) return {};
  }
  const auto parent = base::parse_number(fields[1]);
  if (!parent) return {};
  return {.pid = static_cast<pid_t>(*pid),
          .parent = static_cast<pid_t>(*parent),
          .name = base::printable(std::string_view(line).substr(open + 2, close - open - 2))};
}

std::vector<Process> descendants() {
  std::vector<Process> candidates = all_processes();
  // A zombie parent is not listed, but its children have become ours by then.
  std::set<pid_t> family{::getpid()};
  std::vector<Process> found;
  for (bool grown = true; grown;) {
    grown = false;
    for (auto& process : candidates) {
      if (process.pid == 0 || !family.contains(process.parent)) continue;
      family.insert(process.pid);
      found.push_back(std::exchange(process, {}));
      grown = true;
    }
  }
  return found;
}

std::vector<Process> remaining_processes() {
  if (!is_pid1()) return descendants();
  std::vector<Process> all = all_processes();
  std::erase_if(all, [](const Process& process) { return process.pid == 1; });
  return all;
}

void signal_remaining(int signal, pid_t group) { send(signal, group, remaining_to_send()); }

void terminate_remaining(pid_t group, const std::set<pid_t>& told) {
  if (told.empty()) {
    const std::vector<Process> remaining = remaining_to_send();
    send(SIGTERM, group, remaining);
    send(SIGCONT, group, remaining);
    return;
  }
  for (const Process& process : remaining_processes()) {
    if (!told.contains(process.pid)) ::kill(process.pid, SIGTERM);
    ::kill(process.pid, SIGCONT);
  }
}

std::set<pid_t> members_of(pid_t group) {
  std::set<pid_t> members;
  for (const Process& process : remaining_processes())
    if (::getpgid(process.pid) == group) members.insert(process.pid);
  return members;
}

bool none_may_be_signalled() {
  const std::vector<Process> left = remaining_processes();
  return !left.empty() && std::ranges::all_of(left, [](const Process& process) {
    return ::kill(process.pid, 0) != 0 && errno == EPERM;
  });
}

std::vector<Process> kill_remaining(pid_t group) {
  // A process that forks without end would keep us from ever reading the names.
  if (is_pid1()) ::kill(-1, SIGSTOP);
  std::vector<Process> remaining = remaining_processes();
  send(SIGKILL, group, remaining);
  for (auto& process : remaining) process.refused = ::kill(process.pid, 0) != 0 && errno == EPERM;
  return remaining;
}

std::string names_of(const std::vector<Process>& processes) {
  std::string text;
  for (std::size_t i = 0; i < std::min(processes.size(), kNamed); ++i)
    text += (i == 0 ? "" : ", ") + processes[i].name + " (pid " + std::to_string(processes[i].pid) +
            (processes[i].refused ? ", of another user: refused)" : ")");
  if (processes.size() > kNamed)
    text += " and " + std::to_string(processes.size() - kNamed) + " more";
  return text;
}

}  // namespace gpuinit::launch
