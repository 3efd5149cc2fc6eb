#include "launch/driver_keepalive_hold.h"

#include <dirent.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <string>

#include "launch/processes.h"

namespace gpuinit::launch {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{500};
constexpr milliseconds kPatience{250};
constexpr int kMaxFiles = 10'000;  // of one process

bool has_gpu_open(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/";
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (!directory) return false;
  for (int i = 0; i < kMaxFiles; ++i) {
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    char target[PATH_MAX];
    const ssize_t length =
        ::readlinkat(::dirfd(directory.get()), entry->d_name, target, sizeof target);
    if (length > 0 && is_gpu_file({target, static_cast<std::size_t>(length)})) return true;
  }
  return false;
}

// By anybody but the process itself and what it started.
bool gpu_is_opened_beside(pid_t holder) {
  const auto processes = descendants();
  return std::any_of(processes.begin(), processes.end(), [holder](const Process& process) {
    return process.pid != holder && process.parent != holder && has_gpu_open(process.pid);
  });
}

bool is_our_child(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

bool is_gpu_file(std::string_view target) {
  constexpr std::string_view kNvidia = "/dev/nvidia";
  if (target == "/dev/dxg") return true;
  if (!target.starts_with(kNvidia)) return false;
  target.remove_prefix(kNvidia.size());
  return !target.empty() &&
         std::all_of(target.begin(), target.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Hold::Hold(const HoldOptions& options) {
  if (options.pid <= 0 || !is_our_child(options.pid)) return;
  pid_ = options.pid;
  const auto now = Clock::now();
  until_ = now + options.time;
  next_look_ = std::min(until_, now + kBetweenLooks);
}

Hold::~Hold() {
  if (pid_ < 0) return;
  end();
  while (Clock::now() < *patience_ && ::waitpid(pid_, nullptr, WNOHANG) == 0) ::poll(nullptr, 0, 1);
}

void Hold::look() {
  if (!next_look_) return;
  if (Clock::now() >= until_ || gpu_is_opened_beside(pid_)) return end();
  next_look_ = std::min(until_, Clock::now() + kBetweenLooks);
}

void Hold::end() {
  next_look_.reset();
  if (pid_ < 0 || patience_) return;
  patience_ = Clock::now() + kPatience;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

bool Hold::reaped(const siginfo_t& info) {
  if (pid_ < 0 || info.si_pid != pid_) return false;
  if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) return true;
  was_killed_ = !patience_ && info.si_code == CLD_KILLED && info.si_status == SIGKILL;
  pid_ = -1;
  next_look_.reset();
  patience_.reset();
  return true;
}

}  // namespace gpuinit::launch
