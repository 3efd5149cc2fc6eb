#include "launch/remaining_processes.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace gpuinit::launch {

namespace {

constexpr std::size_t kNamed = 10;

bool is_pid1() { return ::getpid() == 1; }

// `others` are needed where we are not PID 1.
void send(int signal, pid_t group, const std::vector<Process>& others) {
  if (is_pid1()) ::kill(-1, signal);
  else if (others.empty()) ::kill(-group, signal);
  else
    for (const auto& process : others) ::kill(process.pid, signal);
}

std::vector<Process> needed_others() {
  return is_pid1() ? std::vector<Process>() : other_processes();
}

}  // namespace

void signal_others(int signal, pid_t group) { send(signal, group, needed_others()); }

void ask_others_to_end(pid_t group) {
  const std::vector<Process> others = needed_others();
  send(SIGTERM, group, others);
  send(SIGCONT, group, others);
}

std::vector<Process> kill_others(pid_t group) {
  // Who forks without end would keep us from ever reading the names.
  if (is_pid1()) ::kill(-1, SIGSTOP);
  std::vector<Process> others = other_processes();
  send(SIGKILL, group, others);
  for (auto& process : others) process.refused = ::kill(process.pid, 0) != 0 && errno == EPERM;
  return others;
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
