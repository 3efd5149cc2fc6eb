// Prints everything a process inherits, so that two ways of starting can be compared.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

// Of /proc/self/status: what is this process's alone, or changes by itself.
bool is_its_own(std::string_view line) {
  for (const std::string_view name :
       {"Pid", "Tgid", "PPid", "Ngid", "TracerPid", "NStgid", "NSpid", "NSpgid", "NSsid", "SigQ",
        "FDSize", "Vm", "Rss", "HugetlbPages", "voluntary_ctxt", "nonvoluntary_ctxt"})
    if (line.starts_with(name)) return true;
  return false;
}

void show_file(const char* name, const char* path) {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return;
  char line[512];
  while (std::fgets(line, sizeof line, file) != nullptr)
    if (!is_its_own(line)) std::printf("%s %s", name, line);
  std::fclose(file);
}

void show_limits() {
  for (int i = 0; i < RLIMIT_NLIMITS; ++i) {
    rlimit limit{};
    ::getrlimit(static_cast<__rlimit_resource_t>(i), &limit);
    std::printf("limit %d %llu %llu\n", i, static_cast<unsigned long long>(limit.rlim_cur),
                static_cast<unsigned long long>(limit.rlim_max));
  }
}

void show_attributes() {
  std::printf("dumpable %d\n", ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  std::printf("keepcaps %d\n", ::prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
  std::printf("securebits %d\n", ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
  std::printf("timerslack %d\n", ::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
  std::printf("mce-kill %d\n", ::prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  std::printf("thp-disable %d\n", ::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  int value = -1;
  ::prctl(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0);
  std::printf("subreaper %d\n", value);
  ::prctl(PR_GET_PDEATHSIG, &value, 0, 0, 0);
  std::printf("pdeathsig %d\n", value);
#if defined(__x86_64__)
  ::prctl(PR_GET_TSC, &value, 0, 0, 0);
  std::printf("tsc %d\n", value);
#endif
  std::printf("personality %x\n", static_cast<unsigned>(::personality(0xffff'ffff)));
  std::printf("scheduler %d nice %d ioprio %ld\n", ::sched_getscheduler(0),
              ::getpriority(PRIO_PROCESS, 0), ::syscall(SYS_ioprio_get, 1, 0));
  for (const auto timer : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
    itimerval left{};
    ::getitimer(timer, &left);
    std::printf("timer %d %s\n", static_cast<int>(timer),
                left.it_value.tv_sec + left.it_value.tv_usec > 0 ? "on" : "off");
  }
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  std::printf("alternate stack %d\n", stack.ss_flags);
  // Of every kind, those without a signal too.
  const bool has_none = ::waitpid(-1, nullptr, WNOHANG | __WALL) < 0 && errno == ECHILD;
  std::printf("children %s\n", has_none ? "none" : "some");
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("pid %d\n", static_cast<int>(::getpid()));
  for (int i = 0; i < argc; ++i) std::printf("argv %s\n", argv[i]);
  for (char** v = environ; *v != nullptr; ++v) std::printf("env %s\n", *v);
  char cwd[4096];
  std::printf("cwd %s\n", ::getcwd(cwd, sizeof cwd) != nullptr ? cwd : "?");
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    char link[64];
    char target[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = ::readlink(link, target, sizeof target - 1);
    target[std::max<ssize_t>(n, 0)] = '\0';
    std::printf("fd %d %x %s\n", fd, static_cast<unsigned>(::fcntl(fd, F_GETFL)), target);
  }
  show_attributes();
  show_limits();
  show_file("status", "/proc/self/status");
  show_file("oom", "/proc/self/oom_score_adj");
  show_file("dump", "/proc/self/coredump_filter");
  show_file("cgroup", "/proc/self/cgroup");
  show_file("uid_map", "/proc/self/uid_map");
  return 7;
}
