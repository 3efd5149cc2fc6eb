#include "probe/sandbox/sandbox_calls.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/text.h"

namespace gpuinit::probe {

namespace {

using seccomp::Action;
using seccomp::Rule;
using seccomp::Test;
using Is = Test::Is;
using Names = std::string_view;  // with blanks between: a pointer each would be relocated at start

Rule refuse(std::string_view call, std::vector<Test> tests = {}, int error = EPERM) {
  return {std::string(call), Action::kError, error, std::move(tests)};
}

// What docker's and podman's default profiles deny as well, with the reason by groups.
constexpr Names kRefused =
    // the tree of mounts, the root
    "mount umount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr "
    "pivot_root chroot swapon swapoff quotactl quotactl_fd fanotify_init open_by_handle_at "
    "acct "
    // namespaces (clone: below)
    "setns unshare "
    // other processes (signals: below), the way out of the process group
    "ptrace process_vm_readv process_vm_writev pidfd_send_signal setsid setpgid "
    // calls that would be made behind the filter's back
    "io_uring_setup io_uring_enter io_uring_register userfaultfd "
    // the kernel
    "init_module finit_module delete_module create_module kexec_load kexec_file_load reboot "
    "bpf perf_event_open iopl ioperm vm86 vm86old syslog nfsservctl "
    // keys, clock, names of the machine, the terminal
    "keyctl add_key request_key settimeofday clock_settime clock_settime64 stime adjtimex "
    "clock_adjtime clock_adjtime64 sethostname setdomainname vhangup";

// clone(2); CLONE_PARENT would make the new process gpuinit's own child.
constexpr unsigned long kCloneFlags[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                         CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                         CLONE_NEWNET, CLONE_PARENT};

// Typing into, or taking over, a terminal. ioctl_tty(2), asm-generic/ioctls.h
constexpr unsigned long kTerminalRequests[] = {TIOCSTI, TIOCSCTTY, 0x541C /* TIOCLINUX */};

constexpr std::uint64_t kAskPersonality = 0xFFFFFFFF;

// --- what is expected ------------------------------------------------------------
//
// Where the lists come from:
// - what libcuda.so.1 of R450, R470, R525, R535 and R550 imports from the C library
//   (nm -D --undefined-only) and what it asks of syscall(2) by number (objdump: gettid,
//   fork, mbind, set_mempolicy, get_mempolicy, move_pages);
// - strace of the probe with each of these, as far as cuInit comes without a GPU, and
//   published traces of cuInit with one (NVIDIA/cuda-checkpoint issue 10 on GitHub);
// - strace of `import torch`: 1.13 of Debian on python3.11, 2.8 (CUDA) on 3.12;
// - what glibc 2.17 to 2.42 makes of the functions that these call.
// A call that is missing here is let through and named in the facts, so the lists need
// not be complete; they are what keeps a healthy run free of interruptions.

constexpr Names kLibc =
    // start and end
    "execve execveat brk arch_prctl set_tid_address set_robust_list get_robust_list rseq "
    "exit exit_group restart_syscall uname getrandom "
    // memory
    "mmap mmap2 munmap mprotect mremap madvise mlock mlock2 munlock mlockall munlockall "
    "mincore msync membarrier pkey_alloc pkey_free pkey_mprotect memfd_create "
    "map_shadow_stack "
    // threads and processes. Flags of clone are among the refused; clone3 has them in memory
    "clone fork vfork futex futex_time64 futex_waitv wait4 waitid waitpid gettid getpid "
    "getppid getpgrp getpgid getsid pidfd_open sched_yield sched_getaffinity "
    "sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler "
    "sched_get_priority_max sched_get_priority_min sched_getattr sched_setattr getpriority "
    "getcpu set_thread_area get_thread_area prctl "
    // signals. Those to others are among the refused
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait "
    "sigaltstack signalfd signalfd4 pause alarm sigreturn kill tgkill tkill rt_sigqueueinfo "
    "rt_tgsigqueueinfo "
    // time
    "clock_gettime clock_gettime64 clock_getres clock_nanosleep nanosleep gettimeofday time "
    "times getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun "
    "timer_delete timerfd_create timerfd_settime timerfd_gettime "
    // who and how much
    "getuid geteuid getgid getegid getresuid getresgid getgroups capget getrlimit ugetrlimit "
    "setrlimit prlimit64 getrusage sysinfo personality "
    // files: reading
    "open openat openat2 close close_range read pread64 readv preadv preadv2 lseek _llseek "
    "stat fstat lstat newfstatat fstatat64 stat64 fstat64 lstat64 statx statfs fstatfs "
    "access faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd chdir fchdir "
    "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr fadvise64 readahead "
    // descriptors
    "dup dup2 dup3 fcntl fcntl64 flock pipe pipe2 eventfd eventfd2 poll ppoll select "
    "_newselect pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait "
    "epoll_pwait2 ioctl "
    // files: writing, where Landlock, or the list below, lets it
    "write pwrite64 writev pwritev pwritev2 ftruncate fallocate fsync fdatasync "
    "sync_file_range sendfile copy_file_range splice umask creat mkdir mkdirat rmdir unlink "
    "unlinkat rename renameat renameat2 symlink symlinkat mknod mknodat fchmod "
    // local sockets: the daemons of the driver, name services
    "socket socketpair connect bind listen accept accept4 shutdown getsockopt setsockopt "
    "getsockname getpeername sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg send recv";

// What libcuda.so.1 does besides.
constexpr Names kDriver =
    "mbind get_mempolicy set_mempolicy move_pages shmget shmat shmctl shmdt chmod fchmodat "
    "chown fchown fchownat";

// What CPython and the packages that torch imports do besides; torch may start the driver.
constexpr Names kPython =
    "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch semget semop semctl "
    "set_mempolicy_home_node process_madvise link linkat truncate";

// Without Landlock: changes by path that no libcuda makes.
constexpr Names kForeignChanges = "link linkat truncate truncate64";
// And those that it makes, for its cache, its shared memory and its device files.
constexpr Names kDriversChanges =
    "creat mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 symlink symlinkat "
    "mknod mknodat";

// Landlock does not control these. libcuda imports chmod, fchmod and chown.
constexpr Names kAttributes =
    "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr setxattrat "
    "removexattrat file_setattr utime utimes futimesat utimensat utimensat_time64";
constexpr Names kDriversAttributes =
    "chmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchown fchown32 fchownat";

void add(std::vector<Rule>& rules, Names names, int error) {
  for (const std::string_view name : base::split_words(names))
    if (seccomp::is_call_name(name)) rules.push_back(refuse(name, {}, error));
}

}  // namespace

std::vector<Rule> refused_calls() {
  std::vector<Rule> rules;
  add(rules, kRefused, EPERM);
  for (const unsigned long flag : kCloneFlags)
    rules.push_back(refuse("clone", {{0, Is::kMaskedEqual, flag, flag}}));
  for (const unsigned long request : kTerminalRequests)
    rules.push_back(refuse("ioctl", {{1, Is::kMaskedEqual, request, 0xFFFFFFFF}}));
  // Its flags are in memory, where no filter sees them; every caller falls back to clone.
  rules.push_back(refuse("clone3", {}, ENOSYS));
  rules.push_back(refuse("socket", {{0, Is::kNotEqual, AF_UNIX}}));
  rules.push_back(refuse("personality", {{0, Is::kNotEqual, kAskPersonality}}));
  // Limits of others; 0 is the caller.
  rules.push_back(refuse("prlimit64", {{0, Is::kNotEqual, 0}}));
  for (const char* call : {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"})
    rules.push_back(refuse(call));
  return rules;
}

std::vector<Rule> calls_about_itself(std::uint64_t process) {
  std::vector<Rule> rules;
  for (const char* call :
       {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "prlimit64"})
    rules.push_back({call, Action::kError, 0, {{0, Is::kEqual, process}}});
  // The group, which is the probe's own.
  rules.push_back({"kill", Action::kError, 0, {{0, Is::kEqual, 0}}});
  return rules;
}

std::vector<Rule> refused_file_changes(Sandbox::Kind kind) {
  std::vector<Rule> rules;
  add(rules, kForeignChanges, EROFS);
  if (kind == Sandbox::Kind::kCuda) return rules;
  add(rules, kDriversChanges, EROFS);
  // open(path, flags), openat(directory, path, flags); openat2 has the flags in memory.
  if (seccomp::is_call_name("openat2")) rules.push_back(refuse("openat2", {}, ENOSYS));
  for (const std::uint64_t flag : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC}) {
    rules.push_back(refuse("open", {{1, Is::kMaskedEqual, flag, flag}}, EROFS));
    rules.push_back(refuse("openat", {{2, Is::kMaskedEqual, flag, flag}}, EROFS));
  }
  return rules;
}

std::vector<Rule> refused_attribute_changes(Sandbox::Kind kind) {
  std::vector<Rule> rules;
  add(rules, kAttributes, EPERM);
  if (kind == Sandbox::Kind::kPython) add(rules, kDriversAttributes, EPERM);
  return rules;
}

std::vector<std::string_view> expected_calls(Sandbox::Kind kind) {
  std::vector<std::string_view> calls = base::split_words(kLibc);
  const auto add = [&calls](Names names) {
    for (const std::string_view name : base::split_words(names)) calls.push_back(name);
  };
  add(kDriver);
  if (kind == Sandbox::Kind::kPython) add(kPython);
  return calls;
}

}  // namespace gpuinit::probe
