#include "launch/keepalive_watch.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <string>

#include "base/gpu_device_path.h"
#include "base/helper_process.h"
#include "base/reap_group.h"
#include "launch/remaining_processes.h"

namespace gpuinit::launch {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenChecks{500};
constexpr milliseconds kReapBound{250};
constexpr int kMaxFiles = 10'000;  // of one process

bool has_gpu_open(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return false;
  for (int i = 0; i < kMaxFiles; ++i) {
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    char target[PATH_MAX];
    const ssize_t length =
        ::readlinkat(::dirfd(directory.get()), entry->d_name, target, sizeof target);
    if (length > 0 && base::is_gpu_device({target, static_cast<std::size_t>(length)})) return true;
  }
  return false;
}

// By a process other than the keepalive and its own children.
bool gpu_is_opened_beside(pid_t keepalive) {
  return std::ranges::any_of(descendants(), [keepalive](const Process& process) {
    return process.pid != keepalive && process.parent != keepalive && has_gpu_open(process.pid);
  });
}

}  // namespace

KeepaliveWatch::KeepaliveWatch(pid_t pid, milliseconds limit) {
  if (pid <= 0 || !base::take_spare(pid)) return;
  pid_ = pid;
  const auto now = Clock::now();
  until_ = now + limit;
  next_check_ = std::min(until_, now + kBetweenChecks);
}

KeepaliveWatch::~KeepaliveWatch() {
  if (pid_ < 0) return;
  end();
  base::reap_group(pid_, *abandon_at_);
}

void KeepaliveWatch::check() {
  if (!next_check_) return;
  if (Clock::now() >= until_ || gpu_is_opened_beside(pid_)) return end();
  next_check_ = std::min(until_, Clock::now() + kBetweenChecks);
}

void KeepaliveWatch::end() {
  next_check_.reset();
  if (pid_ < 0 || abandon_at_) return;
  abandon_at_ = Clock::now() + kReapBound;
  base::kill_group(pid_);
}

bool KeepaliveWatch::reaped(const siginfo_t& info) {
  if (pid_ < 0 || info.si_pid != pid_) return false;
  if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) return true;
  killed_by_other_ = !abandon_at_ && info.si_code == CLD_KILLED && info.si_status == SIGKILL;
  pid_ = -1;
  next_check_.reset();
  abandon_at_.reset();
  return true;
}

}  // namespace gpuinit::launch
