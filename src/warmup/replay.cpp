#include "warmup/replay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <new>

#include "base/default_signals.h"
#include "base/descriptors.h"
#include "base/helper_process.h"
#include "warmup/plan_reader.h"

namespace gpuinit::warmup {

namespace {

using Clock = std::chrono::steady_clock;

// ioprio_set(2): best effort, the last level. The command's own reads go first where the
// block device's scheduler heeds it.
void ask_politely() {
  constexpr int kWhoProcess = 1;
  constexpr int kBestEffortLast = (2 << 13) | 7;
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, kBestEffortLast);
}

std::int64_t milliseconds_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

}  // namespace

struct Replay::Shared {
  ReadCounts counts;
  std::atomic<bool> finished{false};
  std::atomic<std::int64_t> took{0};  // milliseconds, once it is finished
};

namespace {

// What a forked process must not inherit: our handlers and mask, a parent's death, and what is the
// command's to read, write and close.
void become_helper(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  base::take_default_signals();
  base::close_inherited_descriptors();
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
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::setpgid(0, 0);
    become_helper(parent);
    ask_politely();
    const PagePlan plan = make_plan();
    // There is nothing more to say, and what is read now may hang.
    ::dup2(STDIN_FILENO, STDERR_FILENO);
    read_plan(plan, options.max_bytes, options.in_flight, shared_->counts);
    shared_->took = milliseconds_since(started_);
    shared_->finished = true;
    ::_exit(0);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (reader < 0) {
    done_.reset();
    return;
  }
  reader_ = reader;
  base::add_spare(reader);
  ::setpgid(reader, reader);  // as the child does itself: one of us is first
}

ReplayProgress Replay::progress() const {
  if (shared_ == nullptr) return {};
  const ReadCounts& counts = shared_->counts;
  const bool finished = shared_->finished;
  const auto took = finished ? shared_->took.load() : milliseconds_since(started_);
  return {counts.bytes, counts.fetched, std::chrono::milliseconds(took),
          counts.files, counts.stale,   finished};
}

bool Replay::wait(Clock::time_point deadline) {
  while (reader_ > 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd event{done_.get(), POLLIN, 0};
    if (::poll(&event, 1, static_cast<int>(std::min<long long>(left, 60'000))) > 0) break;
  }
  return true;
}

void Replay::let_go() {
  reader_ = -1;
  done_.reset();
}

void Replay::stop() {
  if (reader_ > 0 && base::take_spare(reader_)) base::end_helper(reader_);
  reader_ = -1;
  done_.reset();
  if (shared_ != nullptr) ::munmap(shared_, sizeof(Shared));
  shared_ = nullptr;
}

}  // namespace gpuinit::warmup
