// The profile that Docker puts on a container by default: its names and conditions.
//
// Source: https://github.com/moby/profiles, seccomp/default.json as of 30 June 2026, without the
// rows for machines that gpuinit does not run on.
#include <linux/capability.h>

#include <array>

#include "base/text.h"
#include "seccomp/profile.h"

namespace gpuinit::seccomp {

namespace {

enum class Machine { kAny, kX86, kArm };

constexpr int kNone = -1;  // no capability

// CAP_PERFMON and CAP_BPF, for kernel headers that do not know them.
constexpr int kPerfmon = 38;
constexpr int kBpf = 39;

struct Row {
  std::string_view calls;
  Action action = Action::kAllow;
  Test test{};  // counts if has_test
  bool has_test = false;
  int with = kNone;     // the row is there with this capability only
  int without = kNone;  // the row is there without this capability only
  Machine machine = Machine::kAny;
  bool since_4_8 = false;  // before, ptrace was a way around a filter
};

constexpr std::string_view kAlwaysAllowed =
    "accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown "
    "chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
    "clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect "
    "copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
    "epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit "
    "exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir "
    "fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr "
    "flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 "
    "fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv "
    "futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid "
    "geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp "
    "getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 "
    "getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid "
    "gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init "
    "inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents "
    "io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule "
    "landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat "
    "listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr "
    "lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore "
    "mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr "
    "mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock "
    "munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 "
    "pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll "
    "ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 "
    "pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv "
    "recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat "
    "rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction "
    "rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam "
    "sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval "
    "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
    "sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop "
    "semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 "
    "setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority "
    "setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 "
    "setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid "
    "setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd "
    "signalfd4 sigprocmask sigreturn socketpair splice stat stat64 statfs statfs64 "
    "statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time "
    "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
    "timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
    "timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat "
    "uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid "
    "write writev";

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
constexpr std::uint64_t kNewNamespaces = 0x7e020000;

constexpr Row when(std::string_view calls, Test test, int without = kNone) {
  return {.calls = calls, .test = test, .has_test = true, .without = without};
}

constexpr Row with(int capability, std::string_view calls) {
  return {.calls = calls, .with = capability};
}

constexpr Test first_is(std::uint64_t value, Test::Is is = Test::Is::kEqual) {
  return {.argument = 0, .is = is, .value = value};
}

constexpr Row kRows[] = {
    // Not as Docker's since 6 May 2026, which leaves this to AppArmor or SELinux: the family is in
    // memory, out of a filter's sight, and so i386's way to AF_ALG and AF_VSOCK. Linux 4.3 gave
    // i386 the single calls.
    {.calls = "socketcall", .action = Action::kError},
    {.calls = kAlwaysAllowed},
    {.calls = "process_vm_readv process_vm_writev ptrace", .since_4_8 = true},
    // Not AF_ALG (38) and not AF_VSOCK (40).
    when("socket", first_is(38, Test::Is::kLess)),
    when("socket", first_is(39)),
    when("socket", first_is(40, Test::Is::kGreater)),
    // PER_LINUX, PER_LINUX32, UNAME26, both, and the question what it is.
    when("personality", first_is(0)),
    when("personality", first_is(0x8)),
    when("personality", first_is(0x20000)),
    when("personality", first_is(0x20008)),
    when("personality", first_is(0xffffffff)),
    {.calls = "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
     .machine = Machine::kArm},
    {.calls = "arch_prctl modify_ldt", .machine = Machine::kX86},
    with(CAP_DAC_READ_SEARCH, "open_by_handle_at"),
    with(CAP_SYS_ADMIN,
         "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
         "lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr "
         "move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
         "sethostname setns syslog umount umount2 unshare"),
    when("clone", {.argument = 0, .is = Test::Is::kMaskedEqual, .value = 0, .mask = kNewNamespaces},
         CAP_SYS_ADMIN),
    // Its flags are in memory, out of a filter's sight; the C library falls back to clone.
    {.calls = "clone3", .action = Action::kError, .without = CAP_SYS_ADMIN},
    with(CAP_SYS_BOOT, "reboot"),
    with(CAP_SYS_CHROOT, "chroot"),
    with(CAP_SYS_MODULE, "delete_module init_module finit_module"),
    with(CAP_SYS_PACCT, "acct"),
    with(CAP_SYS_PTRACE,
         "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
    with(CAP_SYS_RAWIO, "iopl ioperm"),
    with(CAP_SYS_TIME, "settimeofday stime clock_settime clock_settime64"),
    with(CAP_SYS_TTY_CONFIG, "vhangup"),
    with(CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
    with(CAP_SYSLOG, "syslog"),
    with(kBpf, "bpf"),
    with(kPerfmon, "perf_event_open"),
};

#if defined(__x86_64__)
constexpr Machine kThisMachine = Machine::kX86;
#else
constexpr Machine kThisMachine = Machine::kArm;
#endif

bool applies(const Row& row, const TargetContext& here) {
  if (row.machine != Machine::kAny && row.machine != kThisMachine) return false;
  if (row.since_4_8 && !here.kernel_is_at_least(4, 8)) return false;
  if (row.with != kNone && !here.has_capability(row.with)) return false;
  return row.without == kNone || !here.has_capability(row.without);
}

}  // namespace

Filter docker_default(const TargetContext& here) {
  Filter filter;
  filter.otherwise = Action::kError;
  filter.otherwise_error = EPERM;
  filter.enosys_for_newer_calls = true;
  for (const Row& row : kRows) {
    if (!applies(row, here)) continue;
    for (const std::string_view call : base::split_words(row.calls)) {
      Rule rule{std::string(call), row.action, ENOSYS, {}};
      if (row.has_test) rule.tests.push_back(row.test);
      filter.rules.push_back(std::move(rule));
    }
  }
  return filter;
}

}  // namespace gpuinit::seccomp
