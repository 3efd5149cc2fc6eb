#include "warmup/tracer.h"

#include <fcntl.h>
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
#include <vector>

#include "base/unique_fd.h"
#include "warmup/process_maps.h"
#include "warmup/traced_registers.h"
#include "warmup/withheld_code.h"

namespace gpuinit::warmup {

namespace {

// A process may have 65,530 mappings (vm.max_map_count), and each granule may make two.
constexpr std::size_t kMaxGranules = 25'000;
// Smaller pieces are unmapped by every free(3); a library or a mapped file is not.
constexpr std::uint64_t kLargeMapping = 1024ULL * 1024;
constexpr std::uint64_t kPage = 4096;
constexpr int kSyscallStop = SIGTRAP | 0x80;
#if defined(__x86_64__)
constexpr std::uint32_t kOurAbi = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kOurAbi = AUDIT_ARCH_AARCH64;
#endif

// One address space; threads share it, and a child of vfork until it executes.
struct Space {
  WithheldCode code;
  std::uint64_t call_instruction = 0;  // in the vDSO; 0: code is not withheld
  std::size_t granules = 0;
};

struct Task {
  std::shared_ptr<Space> space;  // null: it stopped before its parent told us of it
  long call = -1;                // that it is in, of our ABI
  std::array<std::uint64_t, 6> arguments{};
  bool shares_memory = false;                // of the child that this call makes
  std::optional<TracedRegisters> put_off{};  // before a call that must not find code withheld
};

std::optional<std::uint64_t> word_at(pid_t pid, std::uint64_t address) {
  errno = 0;
  const long word = ::ptrace(PTRACE_PEEKDATA, pid, address, 0);
  if (errno != 0) return std::nullopt;
  return static_cast<std::uint64_t>(word);
}

std::string link_target(const std::string& link) {
  char path[PATH_MAX];
  const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

std::uint64_t page_end(std::uint64_t address) { return (address + kPage - 1) / kPage * kPage; }

// 0 if this address space has none that we could use: a program of 32 bits, or no vDSO.
std::uint64_t find_call_instruction(pid_t pid, const std::vector<Mapping>& mappings) {
  const std::string proc = "/proc/" + std::to_string(pid);
  const base::UniqueFd program(::open((proc + "/exe").c_str(), O_RDONLY | O_CLOEXEC));
  constexpr off_t kClass = 4;
  char elf_class = 0;
  if (::pread(program.get(), &elf_class, 1, kClass) != 1 || elf_class != ELFCLASS64) return 0;
  const base::UniqueFd memory(::open((proc + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  for (const Mapping& mapping : mappings) {
    if (mapping.path != "[vdso]") continue;
    std::string code(mapping.end - mapping.begin, '\0');
    const ssize_t got =
        ::pread(memory.get(), code.data(), code.size(), static_cast<off_t>(mapping.begin));
    const auto at = code.find(TracedRegisters::kCallInstruction);
    if (got == static_cast<ssize_t>(code.size()) && at != code.npos) return mapping.begin + at;
  }
  return 0;
}

class Tracer {
 public:
  Tracer(RecordedCommand& command, TouchedPages& touched) : command_(command), touched_(touched) {
    tasks_[command.pid()].space = std::make_shared<Space>();
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
        else resume(pid, signal == SIGSEGV && give(pid, task) ? 0 : signal);
        return;
      case PTRACE_EVENT_FORK:
      case PTRACE_EVENT_VFORK:
      case PTRACE_EVENT_CLONE:
        has_child(pid, task);
        break;
      case PTRACE_EVENT_EXEC: {
        const auto [program, former] = std::pair(std::make_shared<Space>(), message(pid));
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
    const std::shared_ptr<Space> space = task.space;
    const bool shares = task.shares_memory;
    const pid_t child = message(pid);
    const bool has_stopped = tasks_.contains(child);
    Task& of_child = tasks_[child];
    of_child = Task{};
    of_child.space = shares ? space : std::make_shared<Space>(*space);
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
        give_all(pid, task);
        TracedRegisters before = *std::exchange(task.put_off, std::nullopt);
        before.rewind(task.call);
        before.write(pid);
        // Who traces cannot be traced by us.
        if (task.call == SYS_ptrace && leave(pid)) return;
      } else if (info.exit.is_error == 0) {
        returned(pid, task, static_cast<std::uint64_t>(info.exit.rval));
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
        task.shares_memory = (word_at(pid, arguments[0]).value_or(0) & CLONE_VM) != 0;
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
        if (task.space->call_instruction == 0) return !leave(pid);
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
    if (task.space->call_instruction == 0 || !registers.read(pid)) return;
    if (registers.skip_call(pid)) task.put_off = registers;
  }

  void returned(pid_t pid, Task& task, std::uint64_t result) {
    const auto& arguments = task.arguments;
    WithheldCode& code = task.space->code;
    switch (task.call) {
      case SYS_mmap:
        mapped(pid, task, result);
        break;
      case SYS_munmap:
      case SYS_mprotect:
      case SYS_pkey_mprotect:
        code.forget(arguments[0], page_end(arguments[0] + arguments[1]));
        break;
      case SYS_mremap:
        if (code.forget(arguments[0], page_end(arguments[0] + arguments[1])))
          protect(pid, *task.space, result, page_end(result + arguments[2]), PROT_READ | PROT_EXEC);
        break;
      case SYS_rt_sigaction: {
        // A fault while SIGSEGV is blocked makes the kernel forget the handler.
        constexpr std::uint64_t kIgnored = 1;
        if (arguments[0] == SIGSEGV && arguments[1] != 0 &&
            word_at(pid, arguments[1]).value_or(0) > kIgnored)
          give_all(pid, task);
        break;
      }
      case SYS_execve:
      case SYS_execveat:
        withhold_program(pid, task);
        break;
      default:
        break;
    }
  }

  // ---- What was touched

  void look_at(pid_t pid, const Task& task, std::uint64_t from, std::uint64_t to) {
    touched_.add_mappings(pid, from, to, &task.space->code);
  }

  void look_at_all(pid_t pid, const Task& task) {
    touched_.add_open_files(pid);
    look_at(pid, task, 0, ~std::uint64_t{0});
  }

  void mapped(pid_t pid, Task& task, std::uint64_t begin) {
    const auto& [address, length, protection, flags, fd, offset] = task.arguments;
    const std::uint64_t end = page_end(begin + length);
    task.space->code.forget(begin, end);
    if ((flags & MAP_ANONYMOUS) != 0) return;
    const std::string path =
        link_target("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(static_cast<int>(fd)));
    touched_.mapped(path);
    if ((protection & PROT_EXEC) != 0)
      withhold(pid, task, {begin, end, offset, static_cast<int>(protection), path});
  }

  // ---- Code withheld, and given

  void withhold_program(pid_t pid, Task& task) {
    const std::vector<Mapping> mappings = mappings_of(pid);
    task.space->call_instruction = find_call_instruction(pid, mappings);
    for (const Mapping& mapping : mappings) {
      if (!mapping.path.starts_with('/')) continue;
      touched_.mapped(mapping.path);
      if (mapping.executable)
        withhold(pid, task,
                 {mapping.begin, mapping.end, mapping.offset,
                  PROT_READ | PROT_EXEC | (mapping.writable ? PROT_WRITE : 0), mapping.path});
    }
  }

  void withhold(pid_t pid, Task& task, WithheldRange range) {
    Space& space = *task.space;
    if (space.call_instruction == 0 || (range.protection & PROT_WRITE) != 0) return;
    if (protect(pid, space, range.begin, range.end, range.protection & ~PROT_EXEC))
      space.code.add(std::move(range));
  }

  // A fault; true if it was the fetch of withheld code, which now is executable. Another thread
  // may have faulted there as well: then it is so already.
  bool give(pid_t pid, Task& task) {
    constexpr std::uint64_t kLongestInstruction = 16;
    siginfo_t info{};
    TracedRegisters registers;
    if (::ptrace(PTRACE_GETSIGINFO, pid, 0, &info) != 0 || info.si_code != SEGV_ACCERR)
      return false;
    const auto address = reinterpret_cast<std::uint64_t>(info.si_addr);
    const auto granule = task.space->code.granule(address);
    if (!granule || !registers.read(pid) ||
        address - registers.instruction() >= kLongestInstruction)
      return false;
    task.space->code.gave(*granule);
    touched_.touched(granule->path, {granule->offset, granule->end - granule->begin});
    if (++task.space->granules <= kMaxGranules &&
        protect(pid, *task.space, granule->begin, granule->end, granule->protection))
      return true;
    give_all(pid, task);
    return true;
  }

  // From here on nothing is withheld in this address space.
  void give_all(pid_t pid, Task& task) {
    Space& space = *task.space;
    for (const WithheldRange& range : space.code.ranges())
      protect(pid, space, range.begin, range.end, range.protection);
    space = Space{};
  }

  // mprotect(2), made by the stopped task itself. False if it failed, or the task is gone.
  bool protect(pid_t pid, const Space& space, std::uint64_t begin, std::uint64_t end,
               int protection) {
    TracedRegisters before;
    std::uint64_t mask = 0;
    if (space.call_instruction == 0 || !before.read(pid) ||
        ::ptrace(PTRACE_GETSIGMASK, pid, sizeof mask, &mask) != 0)
      return false;
    // No handler may run in between.
    std::uint64_t all = ~std::uint64_t{0};
    ::ptrace(PTRACE_SETSIGMASK, pid, sizeof all, &all);
    TracedRegisters call = before;
    call.set_call(space.call_instruction, SYS_mprotect, begin, end - begin,
                  static_cast<std::uint64_t>(protection));
    call.write(pid);
    bool is_to_stop = false;
    __ptrace_syscall_info info{};
    while (info.op != PTRACE_SYSCALL_INFO_EXIT) {
      resume(pid);
      int status = 0;
      if (::waitpid(pid, &status, __WALL) != pid) return false;
      if (!WIFSTOPPED(status) || status >> 16 == PTRACE_EVENT_EXIT) {
        changed_later_.emplace_back(pid, status);
        return false;
      }
      if (WSTOPSIG(status) == kSyscallStop)
        ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
      else if (status >> 16 == 0) is_to_stop = true;  // SIGSTOP: no other comes through
    }
    before.write(pid);
    ::ptrace(PTRACE_SETSIGMASK, pid, sizeof mask, &mask);
    if (is_to_stop) ::kill(pid, SIGSTOP);
    return info.exit.is_error == 0;
  }

  RecordedCommand& command_;
  TouchedPages& touched_;
  std::map<pid_t, Task> tasks_;
  std::vector<std::pair<pid_t, int>> changed_later_;  // that protect() met
  bool executed_ = false;  // the command itself; before, what it touches is ours
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
