// Does what no probe should, by its first argument, and says on descriptor 3 what came of
// it: "<what> <errno>\n", 0 for success.
//
// Every forbidden call is made with arguments that do no harm where nothing refuses it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPipe = 3 };

static void say(const char* what, int error) { dprintf(kPipe, "%s %d\n", what, error); }

static void say_result(const char* what, long result) { say(what, result < 0 ? errno : 0); }

static void sleep_for_ever(void) {
  for (;;) pause();
}

struct call {
  const char* name;
  long number;
  long arguments[5];
};

static void make(const struct call* c) {
  const long* a = c->arguments;
  const long result = syscall(c->number, a[0], a[1], a[2], a[3], a[4]);
  // A clone that worked, or an io_uring that is open: gone with this process.
  if (c->number == SYS_clone && result == 0) _exit(0);
  say_result(c->name, result);
}

static void forbidden(void) {
  const long parent = getppid();
  const struct call calls[] = {
      {"mount", SYS_mount, {0}},
      {"umount2", SYS_umount2, {0}},
      {"move_mount", SYS_move_mount, {-1, 0, -1, 0}},
      {"open_tree", SYS_open_tree, {-1, 0}},
      {"fsopen", SYS_fsopen, {0}},
      {"fsmount", SYS_fsmount, {-1}},
      {"pivot_root", SYS_pivot_root, {0}},
      {"chroot", SYS_chroot, {0}},
      {"setns", SYS_setns, {-1}},
      {"unshare", SYS_unshare, {CLONE_NEWNS}},
      {"clone", SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
      {"clone", SYS_clone, {CLONE_NEWNET | SIGCHLD}},
      {"clone", SYS_clone, {CLONE_PARENT | SIGCHLD}},
      {"ptrace", SYS_ptrace, {-1}},
      {"process_vm_readv", SYS_process_vm_readv, {parent}},
      {"process_vm_writev", SYS_process_vm_writev, {parent}},
      {"kill", SYS_kill, {parent, 0}},
      {"kill", SYS_kill, {-1, 0}},
      {"tkill", SYS_tkill, {parent, 0}},
      {"tgkill", SYS_tgkill, {parent, parent, 0}},
      {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {parent}},
      {"pidfd_send_signal", SYS_pidfd_send_signal, {-1, 0}},
      {"prlimit64", SYS_prlimit64, {parent, RLIMIT_CORE}},
      {"setsid", SYS_setsid, {0}},
      {"setpgid", SYS_setpgid, {0}},
      {"socket", SYS_socket, {AF_INET, SOCK_STREAM}},
      {"socket", SYS_socket, {AF_INET6, SOCK_DGRAM}},
      {"socket", SYS_socket, {AF_NETLINK, SOCK_RAW}},
      {"socket", SYS_socket, {AF_PACKET, SOCK_RAW}},
      {"socket", SYS_socket, {0, SOCK_STREAM}},
      {"init_module", SYS_init_module, {0}},
      {"finit_module", SYS_finit_module, {-1}},
      {"delete_module", SYS_delete_module, {0}},
      {"kexec_load", SYS_kexec_load, {0, 17}},
      {"reboot", SYS_reboot, {0}},
      {"swapon", SYS_swapon, {0}},
      {"swapoff", SYS_swapoff, {0}},
      {"bpf", SYS_bpf, {-1}},
      {"perf_event_open", SYS_perf_event_open, {0}},
      {"keyctl", SYS_keyctl, {-1}},
      {"add_key", SYS_add_key, {0}},
      {"request_key", SYS_request_key, {0}},
      {"settimeofday", SYS_settimeofday, {0}},
      {"clock_settime", SYS_clock_settime, {0}},
      {"adjtimex", SYS_adjtimex, {0}},
      {"sethostname", SYS_sethostname, {0, 1}},
      {"setdomainname", SYS_setdomainname, {0, 1}},
      {"io_uring_setup", SYS_io_uring_setup, {1}},
      {"userfaultfd", SYS_userfaultfd, {-1}},
      {"open_by_handle_at", SYS_open_by_handle_at, {-1}},
      {"quotactl", SYS_quotactl, {-1}},
      {"fanotify_init", SYS_fanotify_init, {-1}},
      {"acct", SYS_acct, {-1}},
      {"syslog", SYS_syslog, {-1}},
      {"personality", SYS_personality, {0x0040000}},
      {"ioctl", SYS_ioctl, {0, TIOCSTI}},
      {"ioctl", SYS_ioctl, {0, (long)(0xFFFFFFFF00000000UL | TIOCSTI)}},
      {"lsetxattr", SYS_lsetxattr, {0}},
#ifdef __x86_64__
      {"iopl", SYS_iopl, {-1}},
      {"ioperm", SYS_ioperm, {-1}},
#endif
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; ++i) make(&calls[i]);
}

#ifdef __x86_64__
static long call32(long number, long a, long b) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(0L), "S"(0L), "D"(0L)
                   : "memory", "r8", "r9", "r10", "r11");
  return (int)result;
}

// arch/x86/entry/syscalls/syscall_32.tbl
static void forbidden_32(void) {
  const struct call calls[] = {
      {"mount", 21, {0}},
      {"ptrace", 26, {-1}},
      {"kill", 37, {-1, 0}},
      {"setsid", 66, {0}},
      {"reboot", 88, {0}},
      {"socketcall", 102, {1, 0}},
      {"clone", 120, {CLONE_NEWUSER | SIGCHLD}},
      {"unshare", 310, {CLONE_NEWNS}},
      {"socket", 359, {AF_INET, SOCK_STREAM}},
      {"bpf", 357, {-1}},
      {"umount", 22, {0}},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; ++i) {
    const long result = call32(calls[i].number, calls[i].arguments[0], calls[i].arguments[1]);
    if (!strcmp(calls[i].name, "clone") && result == 0) _exit(0);
    say(calls[i].name, result < 0 ? (int)-result : 0);
  }
}

static void forbidden_x32(void) {
  const long kX32 = 0x40000000;
  const struct call calls[] = {
      {"mount", kX32 | SYS_mount, {0}},
      {"setsid", kX32 | SYS_setsid, {0}},
      {"socket", kX32 | SYS_socket, {AF_INET, SOCK_STREAM}},
      {"unshare", kX32 | SYS_unshare, {CLONE_NEWNS}},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; ++i) make(&calls[i]);
}
#endif

static void* no_work(void* argument) { return argument; }

// What a driver does, and must be able to.
static void permitted(void) {
  pthread_t thread;
  say("thread", pthread_create(&thread, NULL, no_work, NULL));
  pthread_join(thread, NULL);
  const pid_t child = fork();
  if (child == 0) _exit(0);
  say_result("fork", child);
  waitpid(child, NULL, 0);
  int pair[2];
  say_result("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  say_result("unix-socket", socket(AF_UNIX, SOCK_STREAM, 0));
  say_result("self-signal", kill(getpid(), 0));
  say_result("group-signal", kill(0, 0));
  struct rlimit limit;
  say_result("limits", getrlimit(RLIMIT_NOFILE, &limit));
  say_result("personality", syscall(SYS_personality, 0xFFFFFFFFUL));
  say_result("comm", open("/proc/self/task/self/comm", O_WRONLY) < 0 && errno != ENOENT ? -1 : 0);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)getpid());
  say_result("thread-name", open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666));
  say_result("null", open("/dev/null", O_RDWR | O_CREAT | O_TRUNC, 0666));
}

// argv[2]: a directory.
static void change_files(const char* directory) {
  char path[4096];
  char other[4096 + 8];
  snprintf(path, sizeof path, "%s/gpuinit-misbehaving-%d", directory, (int)getpid());
  snprintf(other, sizeof other, "%s.2", path);
  say_result("create", open(path, O_CREAT | O_WRONLY, 0600));
  say_result("rename", rename(path, other));
  say_result("unlink", unlink(other));
  say_result("mkdir", mkdir(path, 0700));
  say_result("rmdir", rmdir(path));
  say_result("symlink", symlink("x", path));
  unlink(path);
}

// In $TMPDIR, and left there.
static void temporary_files(void) {
  const char* directory = getenv("TMPDIR");
  dprintf(kPipe, "directory %s\n", directory == NULL ? "" : directory);
  if (directory == NULL || chdir(directory) != 0) return;
  say_result("file", open("file", O_CREAT | O_WRONLY, 0));
  long made = mkdir("a", 0700) | mkdir("a/b", 0700) | symlink("/usr", "a/b/link");
  made |= open("a/b/file", O_CREAT | O_WRONLY, 0600) < 0 ? -1 : 0;
  say_result("tree", made | mkdir("empty", 0700));
}

static void existing_file(const char* path) {
  say_result("open", open(path, O_WRONLY));
  say_result("truncating-open", open(path, O_RDONLY | O_TRUNC));
  say_result("truncate", truncate(path, 0));
  say_result("chmod", chmod(path, 0777));
  say_result("chown", chown(path, 12345, 12345));
  say_result("read", open(path, O_RDONLY));
}

// `victim`: the address of a character of the parent's.
static void write_to_parent(const char* victim) {
  char path[64];
  const off_t address = (off_t)strtoull(victim, NULL, 0);
  struct iovec ours = {(char[]){'!'}, 1};
  struct iovec theirs = {(void*)address, 1};
  snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
  say_result("open", open(path, O_RDONLY));
  const int memory = open(path, O_RDWR);
  say_result("write", memory < 0 ? -1 : pwrite(memory, "!", 1, address));
  say_result("process_vm_writev",
             syscall(SYS_process_vm_writev, getppid(), &ours, 1, &theirs, 1, 0));
  say_result("ptrace", ptrace(PTRACE_SEIZE, getppid(), 0, 0));
}

static void limits(void) {
  static const struct {
    const char* name;
    int resource;
  } kLimits[] = {{"core", RLIMIT_CORE}, {"files", RLIMIT_NOFILE}, {"file-size", RLIMIT_FSIZE}};
  for (size_t i = 0; i < sizeof kLimits / sizeof *kLimits; ++i) {
    struct rlimit limit;
    getrlimit(kLimits[i].resource, &limit);
    dprintf(kPipe, "%s %lld\n", kLimits[i].name, (long long)limit.rlim_cur);
  }
  char score[32] = "";
  const int file = open("/proc/self/oom_score_adj", O_RDONLY);
  if (file >= 0 && read(file, score, sizeof score - 1) < 0) score[0] = '\0';
  dprintf(kPipe, "oom %d\nno-new-privs %d\nseccomp %d\n", atoi(score),
          prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP));
}

static void eat_memory(void) {
  for (;;) {
    char* piece = malloc(1 << 20);
    if (piece == NULL) _exit(9);
    memset(piece, 1, 1 << 20);
  }
}

static void ignore(int signal_number) { (void)signal_number; }

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "";
  const char* argument = argc > 2 ? argv[2] : "";
  if (!strcmp(verb, "forbidden")) forbidden();
#ifdef __x86_64__
  if (!strcmp(verb, "forbidden-32")) forbidden_32();
  if (!strcmp(verb, "forbidden-x32")) forbidden_x32();
#endif
  if (!strcmp(verb, "permitted")) permitted();
  if (!strcmp(verb, "change-files")) change_files(argument);
  if (!strcmp(verb, "existing-file")) existing_file(argument);
  if (!strcmp(verb, "temporary-files")) temporary_files();
  if (!strcmp(verb, "limits")) limits();
  if (!strcmp(verb, "unexpected")) {
    say_result("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 0, 3, 3));
    say_result("none", syscall(9999));
  }
  if (!strcmp(verb, "call-for-ever"))
    for (;;) syscall(SYS_mount, 0, 0, 0, 0, 0);
  if (!strcmp(verb, "call-all-numbers"))
    for (int i = 0; i < 100; ++i) syscall(5000 + i);
  if (!strcmp(verb, "hang")) sleep_for_ever();
  if (!strcmp(verb, "stubborn")) {
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    for (int s = 1; s < NSIG; ++s) sigaction(s, &action, NULL);
    sleep_for_ever();
  }
  if (!strcmp(verb, "flood"))
    for (;;)
      if (write(kPipe, "xxxxxxxxxxxxxxxx", 16) < 0) _exit(8);
  if (!strcmp(verb, "segfault")) raise(SIGSEGV);
  if (!strcmp(verb, "really-segfault")) *(volatile int*)16 = 1;
  if (!strcmp(verb, "abort")) abort();
  if (!strcmp(verb, "exit")) _exit(atoi(argument));
  if (!strcmp(verb, "close-pipe")) {
    close(kPipe);
    sleep_for_ever();
  }
  if (!strcmp(verb, "escape")) {
    // A grandchild that would like to have a session, or at least a group, of its own.
    int told[2];
    if (pipe(told) != 0) _exit(7);
    const pid_t child = fork();
    if (child == 0) {
      say_result("setsid", setsid());
      say_result("setpgid", setpgid(0, 0));
      dprintf(kPipe, "pid %d\n", (int)getpid());
      for (int s = 1; s < NSIG; ++s) signal(s, SIG_IGN);
      close(told[1]);
      sleep_for_ever();
    }
    close(told[1]);
    char nothing;
    if (read(told[0], &nothing, 1) != 0) _exit(7);
  }
  if (!strcmp(verb, "signal-parent")) say_result("kill", kill(getppid(), SIGTERM));
  if (!strcmp(verb, "write-to-parent")) write_to_parent(argument);
  if (!strcmp(verb, "eat-memory")) eat_memory();
  return 0;
}
