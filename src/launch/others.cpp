#include "launch/others.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace gpuinit::launch {

namespace {

constexpr std::size_t kNamed = 10;

}  // namespace

std::vector<Process> signal_others(int signal, pid_t group) {
  std::vector<Process> others = other_processes();
  // In one call, so that nobody can fork out of it.
  if (::getpid() == 1) ::kill(-1, signal);
  else if (others.empty()) ::kill(-group, signal);
  else
    for (const auto& process : others) ::kill(process.pid, signal);
  return others;
}

void ask_others_to_end(pid_t group) {
  const std::vector<Process> others = signal_others(SIGTERM, group);
  if (others.empty()) signal_others(SIGCONT, group);
  for (const auto& process : others)
    if (process.stopped) ::kill(process.pid, SIGCONT);
}

std::string names_of(const std::vector<Process>& processes) {
  std::string text;
  for (std::size_t i = 0; i < std::min(processes.size(), kNamed); ++i)
    text += (i == 0 ? "" : ", ") + processes[i].name + " (pid " + std::to_string(processes[i].pid) +
            ")";
  if (processes.size() > kNamed)
    text += " and " + std::to_string(processes.size() - kNamed) + " more";
  return text;
}

}  // namespace gpuinit::launch
