#include "warmup/tracer.h"

#include <linux/audit.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "warmup/traced_registers.h"
#include "warmup/traced_space.h"

namespace gpuinit::warmup {

namespace {

// Smaller pieces are unmapped by every free(3); a library or a mapped file is not.
constexpr std::uint64_t kLargeMapping = 1024ULL * 1024;
constexpr int kSyscallStop = SIGTRAP | 0x80;
#if defined(__x86_64__)
constexpr std::uint32_t kOurAbi = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kOurAbi = AUDIT_ARCH_AARCH64;
#endif

struct Task {
  std::shared_ptr<TracedSpace> space;  // null: it stopped before its parent told us of it
  long call = -1;                      // that it is in, of our ABI
  std::array<std::uint64_t, 6> arguments{};
  bool shares_memory = false;                // of the child that this call makes
  std::optional<TracedRegisters> put_off{};  // before a call that must not find code withheld
};

class Tracer {
 public:
  Tracer(RecordedCommand& command, TouchedPages& touched) : command_(command), touched_(touched) {
    tasks_[command.pid()].space = std::make_shared<TracedSpace>(changed_later_);
  }

  void run() {
    for (;;) {
      for (const auto& [pid, status] : std::exchange(changed_later_, {})) changed(pid, status);
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, __WALL | WNOHANG);
      if (pid < 0 && errno != EINTR) return;
      if (pid > 0) changed(pid, status);
      else wait_for_signal();
    }
  }

 private:
  // ---- What stops, and how it goes on

  void wait_for_signal() {
    sigset_t all;
    ::sigfillset(&all);
    siginfo_t info{};
    const timespec now_and_then{0, 50'000'000};
    const int signal = command_.has_ended() ? ::sigtimedwait(&all, &info, &now_and_then)
                                            : ::sigwaitinfo(&all, &info);
    if (signal > 0 && command_.is_forwarded(signal, info.si_code)) ::kill(command_.pid(), signal);
    command_.check_leftovers();
  }

  static void resume(pid_t pid, int signal = 0) { ::ptrace(PTRACE_SYSCALL, pid, 0, signal); }

  void changed(pid_t pid, int status) {
    if (!WIFSTOPPED(status)) {
      tasks_.erase(pid);
      command_.ended(pid, status);
      return;
    }
    Task& task = tasks_[pid];
    if (task.space == nullptr) return;  // until its parent's event
    const int signal = WSTOPSIG(status);
    switch (status >> 16) {
      case 0:
        if (signal == kSyscallStop) at_call(pid, task);
        else resume(pid, signal == SIGSEGV && task.space->give(pid, touched_) ? 0 : signal);
        return;
      case PTRACE_EVENT_FORK:
      case PTRACE_EVENT_VFORK:
      case PTRACE_EVENT_CLONE:
        has_child(pid, task);
        break;
      case PTRACE_EVENT_EXEC: {
        const auto [program, former] =
            std::pair(std::make_shared<TracedSpace>(changed_later_), message(pid));
        if (former != pid) task.call = tasks_[former].call;
        if (former != pid) tasks_.erase(former);
        task.space = program;
        executed_ = true;
        break;
      }
      case PTRACE_EVENT_EXIT:
        if (executed_ && is_leader(pid)) look_at_all(pid, task);
        break;
      case PTRACE_EVENT_STOP:
        if (signal != SIGTRAP) {  // stopped as by SIGSTOP, until SIGCONT
          ::ptrace(PTRACE_LISTEN, pid, 0, 0);
          return;
        }
        break;
      default:
        break;
    }
    resume(pid);
  }

  static pid_t message(pid_t pid) {
    unsigned long value = 0;
    ::ptrace(PTRACE_GETEVENTMSG, pid, 0, &value);
    return static_cast<pid_t>(value);
  }

  static bool is_leader(pid_t pid) {
    return ::access(("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid)).c_str(),
                    F_OK) == 0;
  }

  void has_child(pid_t pid, const Task& task) {
    const std::shared_ptr<TracedSpace> space = task.space;
    const bool shares = task.shares_memory;
    const pid_t child = message(pid);
    const bool has_stopped = tasks_.contains(child);
    Task& of_child = tasks_[child];
    of_child = Task{};
    of_child.space = shares ? space : std::make_shared<TracedSpace>(*space);
    if (has_stopped) resume(child);
  }

  // ---- System calls

  void at_call(pid_t pid, Task& task) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 && info.arch == kOurAbi) {
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        task.call = static_cast<long>(info.entry.nr);
        std::copy(std::begin(info.entry.args), std::end(info.entry.args), task.arguments.begin());
        if (!enter(pid, task)) return;
      } else if (task.put_off) {
        task.space->give_all(pid);
        TracedRegisters before = *std::exchange(task.put_off, std::nullopt);
        before.rewind(task.call);
        before.write(pid);
        // Who traces cannot be traced by us.
        if (task.call == SYS_ptrace && leave(pid)) return;
      } else if (info.exit.is_error == 0) {
        task.space->called(pid, {task.call, task.arguments},
                           static_cast<std::uint64_t>(info.exit.rval), touched_);
      }
    }
    resume(pid);
  }

  bool leave(pid_t pid) {
    if (::ptrace(PTRACE_DETACH, pid, 0, 0) != 0) return false;
    tasks_.erase(pid);
    return true;
  }

  // False if it is not to be resumed.
  bool enter(pid_t pid, Task& task) {
    const auto& arguments = task.arguments;
    switch (task.call) {
      case SYS_pread64:
        touched_.add_read(pid, static_cast<int>(arguments[0]), arguments[3], arguments[2]);
        break;
      case SYS_close:
        if (executed_) touched_.add_open_file(pid, static_cast<int>(arguments[0]));
        break;
      case SYS_munmap:
        if (executed_ && arguments[1] >= kLargeMapping)
          look_at(pid, task, arguments[0], arguments[0] + arguments[1]);
        break;
      case SYS_execve:
      case SYS_execveat:
        if (executed_) look_at_all(pid, task);
        break;
      case SYS_clone:
        task.shares_memory = (arguments[0] & CLONE_VM) != 0;
        break;
      case SYS_clone3:
        task.shares_memory = (traced_word(pid, arguments[0]).value_or(0) & CLONE_VM) != 0;
        break;
#if defined(SYS_vfork)
      case SYS_fork:
      case SYS_vfork:
        task.shares_memory = task.call == SYS_vfork;
        break;
#endif
      case SYS_prctl:
        if (arguments[0] == PR_SET_SECCOMP) put_off(pid, task);
        break;
      case SYS_seccomp:
        put_off(pid, task);
        break;
      case SYS_ptrace:
        if (!task.space->withholds()) return !leave(pid);
        put_off(pid, task);
        break;
      default:
        break;
    }
    return true;
  }

  // The call is made again, once no code is withheld any more.
  static void put_off(pid_t pid, Task& task) {
    TracedRegisters registers;
    if (!task.space->withholds() || !registers.read(pid)) return;
    if (registers.skip_call(pid)) task.put_off = registers;
  }

  // ---- What was touched

  void look_at(pid_t pid, const Task& task, std::uint64_t from, std::uint64_t to) {
    touched_.add_mappings(pid, from, to, &task.space->code());
  }

  void look_at_all(pid_t pid, const Task& task) {
    touched_.add_open_files(pid);
    look_at(pid, task, 0, ~std::uint64_t{0});
  }

  RecordedCommand& command_;
  TouchedPages& touched_;
  std::map<pid_t, Task> tasks_;
  TracedSpace::Statuses changed_later_;  // that a space met
  bool executed_ = false;                // the command itself; before, what it touches is ours
};

}  // namespace

bool start_tracing(pid_t pid) {
  constexpr int kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
                           PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT |
                           PTRACE_O_EXITKILL;
  return ::ptrace(PTRACE_SEIZE, pid, 0, kOptions) == 0 &&
         ::ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0;
}

void trace(RecordedCommand& command, TouchedPages& touched) { Tracer(command, touched).run(); }

}  // namespace gpuinit::warmup
