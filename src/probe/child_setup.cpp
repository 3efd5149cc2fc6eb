#include "probe/child_setup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "gpuinit/probe_protocol.h"
#include "gpuinit/result.h"

namespace gpuinit::probe {

namespace {

constexpr int kPipe = probe_protocol::kPipeFd;

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

// Handlers first, then the mask: a signal that was waiting must not find one of ours.
void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Closes everything above the pipe.
void close_the_rest() {
  constexpr unsigned kFirst = kPipe + 1;
  if (::syscall(SYS_close_range, kFirst, ~0U, 0) == 0) return;
  // Kernels before 5.9, and seccomp filters that do not know the call.
  if (DIR* open_files = ::opendir("/proc/self/fd")) {
    const int own = ::dirfd(open_files);
    while (const dirent* entry = ::readdir(open_files)) {
      const int fd = std::atoi(entry->d_name);
      if (fd > kPipe && fd != own) ::close(fd);
    }
    ::closedir(open_files);
    return;
  }
  // Without /proc as well. Limits of 10^9 exist; nobody has that many files open.
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto end = std::min<rlim_t>(limit.rlim_cur, 1 << 16);
  for (int fd = kPipe + 1; fd < static_cast<int>(end); ++fd) ::close(fd);
}

// 0, 1 and 2 must be taken, or the driver's device files would get these numbers. Where
// there is no /dev/null a descriptor that can neither be read nor written takes its place.
void occupy_standard_files() {
  for (int fd = 0; fd <= 2; ++fd) ::close(fd);
  for (int fd = 0; fd <= 2; ++fd)
    if (::open("/dev/null", O_RDWR) < 0) ::open("/", O_PATH | O_DIRECTORY);
}

}  // namespace

void become(ProgramExec& exec, int pipe, pid_t parent) {
  ::setpgid(0, 0);
  // Before the check: if the parent dies in between, one of the two notices.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  reset_signals();

  // The pipe may be any number, even one of 0 to 2 if those were closed at our start.
  if (pipe != kPipe && ::dup2(pipe, kPipe) < 0) refuse(pipe, "dup2");
  if (pipe == kPipe) ::fcntl(kPipe, F_SETFD, 0);
  close_the_rest();
  occupy_standard_files();

  // `/` where nothing depends on it: no file system is kept busy. A crash of a driver's
  // library is no reason for a core.
  if (::chdir(exec.directory()) != 0) refuse(kPipe, exec.directory());
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);

  exec.run();
  give_up(kPipe, exec.no_loader() ? "no-loader" : "not-started", exec.refusals());
}

}  // namespace gpuinit::probe
