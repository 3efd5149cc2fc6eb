// What a child does between fork and exec.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>

#include "base/default_signals.h"
#include "base/descriptors.h"
#include "gpuinit/probe_protocol.h"
#include "gpuinit/result.h"
#include "probe/child/child_program.h"
#include "probe/sandbox/syscall_monitor.h"

namespace gpuinit::probe {

namespace {

constexpr int kPipe = probe_protocol::kPipeFd;
constexpr int kChannel = kPipe + 1;  // what the monitor needs until exec
constexpr rlim_t kMaxFiles = 65536;
constexpr rlim_t kMaxPythonFile = rlim_t{1} << 30;  // bytes of one file

[[noreturn]] void give_up(int pipe, const char* key, const std::string& why) {
  std::string line = std::string(key) + " " + why;
  line.resize(std::min<std::size_t>(line.size(), probe_protocol::kMaxLine - 1));
  line += '\n';
  // One write: it fits into the empty pipe.
  if (::write(pipe, line.data(), line.size()) < 0) ::_exit(126);
  ::_exit(127);
}

[[noreturn]] void refuse(int pipe, const char* what) {
  give_up(pipe, "not-started", errno_error(what).message);
}

// The pipe and the monitor's descriptor may be any numbers, even 0 to 2 if those were closed at
// our start; they become kPipe and kChannel. Returns the last one that is in use.
int place_descriptors(SyscallMonitor& monitor, int pipe) {
  if (monitor.childs_end() >= 0) {
    const int out_of_the_way = ::fcntl(monitor.childs_end(), F_DUPFD_CLOEXEC, kChannel + 1);
    monitor.move_childs_end(out_of_the_way);  // -1: there will be no listener
  }
  if (pipe != kPipe && ::dup2(pipe, kPipe) < 0) refuse(pipe, "dup2");
  if (pipe == kPipe) ::fcntl(kPipe, F_SETFD, 0);
  if (monitor.childs_end() < 0) return kPipe;
  monitor.move_childs_end(::dup3(monitor.childs_end(), kChannel, O_CLOEXEC));
  return monitor.childs_end() < 0 ? kPipe : kChannel;
}

void lower(int resource, rlim_t limit) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &now) != 0 || now.rlim_cur <= limit)
    return;
  now.rlim_cur = limit;
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &now);
}

// Not the number of processes, which counts all of the user's on the machine, nor the
// address space, of which CUDA reserves more than any machine has.
void limit_resources(Sandbox::Kind kind) {
  // A crash of a driver's library is no reason for a core.
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  lower(RLIMIT_NOFILE, kMaxFiles);
  if (kind == Sandbox::Kind::kPython) lower(RLIMIT_FSIZE, kMaxPythonFile);
  // If memory runs out it is the probe that goes, not PID 1 nor the command.
  constexpr const char* kScore = "/proc/self/oom_score_adj";
  int score = ::open(kScore, O_WRONLY | O_CLOEXEC);
  if (score < 0 && errno == EACCES) {  // it is root's until exec (NotDumpable)
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    score = ::open(kScore, O_WRONLY | O_CLOEXEC);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  if (score < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(score, "1000", 4);
  ::close(score);
}

}  // namespace

void become(ProgramExec& exec, SyscallMonitor& monitor, int pipe, pid_t parent) {
  ::setpgid(0, 0);
  // Before the check: if the parent dies in between, one of the two notices.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  base::take_default_signals();

  base::close_descriptors(place_descriptors(monitor, pipe) + 1);
  // 0, 1 and 2 must be taken, or the driver's device files would get these numbers.
  for (int fd = 0; fd <= 2; ++fd) ::close(fd);
  base::occupy_standard_descriptors(O_RDWR);

  // `/` where nothing depends on it: no file system is kept busy.
  if (::chdir(exec.directory()) != 0) refuse(kPipe, exec.directory());
  limit_resources(monitor.kind());

  std::string refusal;
  exec.run([&] {
    refusal = monitor.enter_sandbox();
    return refusal.empty();
  });
  if (!refusal.empty()) give_up(kPipe, "not-started", refusal);
  give_up(kPipe, exec.no_loader() ? "no-loader" : "not-started", exec.refusals());
}

}  // namespace gpuinit::probe
