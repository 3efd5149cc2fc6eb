#include "launch/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <set>

#include "base/text.h"
#include "base/unique_fd.h"

namespace gpuinit::launch {

namespace {

constexpr std::size_t kMaxProcesses = 100'000;
constexpr std::size_t kThreadsField = 17;  // counted from the state

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
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir("/proc"));
  if (!directory) return all;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    Process process = parse_stat(read_stat(entry->d_name));
    if (process.pid > 0) all.push_back(std::move(process));
    if (all.size() >= kMaxProcesses) break;
  }
  return all;
}

std::vector<Process> descendants_among(std::vector<Process> candidates) {
  // A zombie parent is not listed, but its children have become ours by then.
  std::set<pid_t> family{::getpid()};
  std::vector<Process> found;
  for (bool grown = true; grown;) {
    grown = false;
    for (auto& process : candidates) {
      if (process.pid == 0 || !family.contains(process.parent)) continue;
      family.insert(process.pid);
      found.push_back(std::move(process));
      process.pid = 0;
      grown = true;
    }
  }
  return found;
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

std::vector<Process> other_processes() {
  const pid_t self = ::getpid();
  std::vector<Process> candidates = all_processes();
  std::erase_if(candidates, [self](const Process& p) { return p.pid == self; });
  return self == 1 ? candidates : descendants_among(std::move(candidates));
}

std::vector<Process> descendants() { return descendants_among(all_processes()); }

}  // namespace gpuinit::launch
