#include "warmup/replay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <new>

#include "base/default_signals.h"
#include "base/reap_group.h"

namespace gpuinit::warmup {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kReapBound{1000};

// One readahead(2) asks for at most this, so that a signal, the other processes and the
// command's own reads get a word in.
constexpr std::uint64_t kPiece = 4ULL * 1024 * 1024;

// ioprio_set(2): best effort, the last level. The command's own reads go first where the
// block device's scheduler heeds it.
void ask_politely() {
  constexpr int kWhoProcess = 1;
  constexpr int kBestEffortLast = (2 << 13) | 7;
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, kBestEffortLast);
}

}  // namespace

struct Replay::Shared {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint32_t> files{0};
  std::atomic<std::uint32_t> stale{0};
  std::atomic<std::uint32_t> next{0};  // the next part of the plan that nobody works at
  std::atomic<bool> finished{false};
};

namespace {

// One of the processes: takes the next part that nobody works at, until there is none.
class Worker {
 public:
  Worker(const PagePlan& plan, std::uint64_t max_bytes, Replay::Shared& shared)
      : plan_(plan), max_bytes_(max_bytes), shared_(shared) {}

  void work() {
    for (;;) {
      const std::uint32_t index = shared_.next.fetch_add(1);
      if (index >= plan_.size() || !ask_for(plan_[index])) return;
    }
  }

 private:
  // False: the budget is used up.
  bool ask_for(const FilePart& part) {
    const base::UniqueFd fd(
        ::open(part.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0 || !is_same(status, part)) {
      shared_.stale.fetch_add(1);
      return true;
    }
    shared_.files.fetch_add(1);
    if (part.whole) return ask_for(fd.get(), {0, static_cast<std::uint64_t>(status.st_size)});
    for (const Range& range : part.ranges)
      if (!ask_for(fd.get(), range)) return false;
    return true;
  }

  bool ask_for(int fd, const Range& range) {
    for (std::uint64_t done = 0; done < range.length; done += kPiece) {
      const std::uint64_t length = std::min(kPiece, range.length - done);
      if (shared_.bytes.fetch_add(length) + length > max_bytes_) {
        shared_.bytes.fetch_sub(length);
        return false;
      }
      ::readahead(fd, static_cast<off64_t>(range.offset + done), length);
    }
    return true;
  }

  static bool is_same(const struct stat& status, const FilePart& part) {
    if (!S_ISREG(status.st_mode)) return false;
    return part.whole || (static_cast<std::uint64_t>(status.st_size) == part.size &&
                          status.st_mtime == part.modified);
  }

  const PagePlan& plan_;
  std::uint64_t max_bytes_;
  Replay::Shared& shared_;
};

// What a forked process must not inherit: our handlers and mask, and a parent's death.
void become_helper(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  base::take_default_signals();
}

}  // namespace

Replay::Replay(const MakePlan& make_plan, const ReplayOptions& options) {
  void* page =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  shared_ = new (page) Shared;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  done_.reset(ends[0]);
  const base::UniqueFd open_while_working(ends[1]);

  // No handler of ours may run in the child before it has reset them all.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t parent = ::getpid();
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::setpgid(0, 0);
    become_helper(parent);
    ask_politely();
    const PagePlan plan = make_plan();
    const pid_t self = ::getpid();
    for (int i = 1; i < options.workers; ++i) {
      if (::fork() != 0) continue;
      become_helper(self);
      Worker(plan, options.max_bytes, *shared_).work();
      ::_exit(0);
    }
    Worker(plan, options.max_bytes, *shared_).work();
    while (::wait(nullptr) > 0 || errno == EINTR) {
    }
    shared_->finished = true;
    ::_exit(0);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (leader < 0) {
    done_.reset();
    return;
  }
  leader_ = leader;
  ::setpgid(leader, leader);  // as the child does itself: whoever is first
}

ReplayProgress Replay::progress() const {
  if (shared_ == nullptr) return {};
  return {shared_->bytes, shared_->files, shared_->stale, shared_->finished};
}

void Replay::wait(Clock::time_point deadline) {
  while (leader_ > 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return;
    pollfd event{done_.get(), POLLIN, 0};
    if (::poll(&event, 1, static_cast<int>(std::min<long long>(left, 60'000))) > 0) return;
  }
}

void Replay::let_go() {
  leader_ = -1;
  done_.reset();
}

void Replay::stop() {
  if (leader_ > 0) {
    base::kill_group(leader_);
    base::reap_group(leader_, Clock::now() + kReapBound);
    leader_ = -1;
    done_.reset();
  }
  if (shared_ != nullptr) ::munmap(shared_, sizeof(Shared));
  shared_ = nullptr;
}

}  // namespace gpuinit::warmup
