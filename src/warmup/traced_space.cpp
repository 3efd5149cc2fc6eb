#include "warmup/traced_space.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <string>

#include "base/unique_fd.h"
#include "warmup/process_maps.h"
#include "warmup/traced_registers.h"

namespace gpuinit::warmup {

namespace {

// A process may have 65,530 mappings (vm.max_map_count), and each granule may make two.
constexpr std::size_t kMaxGranules = 25'000;
constexpr std::uint64_t kPage = 4096;
constexpr int kSyscallStop = SIGTRAP | 0x80;

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

}  // namespace

std::optional<std::uint64_t> traced_word(pid_t pid, std::uint64_t address) {
  errno = 0;
  const long word = ::ptrace(PTRACE_PEEKDATA, pid, address, 0);
  if (errno != 0) return std::nullopt;
  return static_cast<std::uint64_t>(word);
}

void TracedSpace::called(pid_t pid, const TracedCall& call, std::uint64_t result,
                         TouchedPages& touched) {
  const auto& arguments = call.arguments;
  switch (call.number) {
    case SYS_mmap:
      mapped(pid, arguments, result, touched);
      break;
    case SYS_munmap:
    case SYS_mprotect:
    case SYS_pkey_mprotect:
      code_.forget(arguments[0], page_end(arguments[0] + arguments[1]));
      break;
    case SYS_mremap:
      if (code_.forget(arguments[0], page_end(arguments[0] + arguments[1])))
        protect(pid, result, page_end(result + arguments[2]), PROT_READ | PROT_EXEC);
      break;
    case SYS_rt_sigaction: {
      // A fault while SIGSEGV is blocked makes the kernel forget the handler.
      constexpr std::uint64_t kIgnored = 1;
      if (arguments[0] == SIGSEGV && arguments[1] != 0 &&
          traced_word(pid, arguments[1]).value_or(0) > kIgnored)
        give_all(pid);
      break;
    }
    case SYS_execve:
    case SYS_execveat:
      withhold_program(pid, touched);
      break;
    default:
      break;
  }
}

void TracedSpace::mapped(pid_t pid, const TracedCall::Arguments& arguments, std::uint64_t begin,
                         TouchedPages& touched) {
  const auto& [address, length, protection, flags, fd, offset] = arguments;
  const std::uint64_t end = page_end(begin + length);
  code_.forget(begin, end);
  if ((flags & MAP_ANONYMOUS) != 0) return;
  const std::string path =
      link_target("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(static_cast<int>(fd)));
  touched.mapped(path);
  if ((protection & PROT_EXEC) != 0)
    withhold(pid, {begin, end, offset, static_cast<int>(protection), path});
}

void TracedSpace::withhold_program(pid_t pid, TouchedPages& touched) {
  const std::vector<Mapping> mappings = mappings_of(pid);
  call_instruction_ = find_call_instruction(pid, mappings);
  for (const Mapping& mapping : mappings) {
    if (!mapping.path.starts_with('/')) continue;
    touched.mapped(mapping.path);
    if (mapping.executable)
      withhold(pid, {mapping.begin, mapping.end, mapping.offset,
                     PROT_READ | PROT_EXEC | (mapping.writable ? PROT_WRITE : 0), mapping.path});
  }
}

void TracedSpace::withhold(pid_t pid, WithheldRange range) {
  if (call_instruction_ == 0 || (range.protection & PROT_WRITE) != 0) return;
  if (protect(pid, range.begin, range.end, range.protection & ~PROT_EXEC))
    code_.add(std::move(range));
}

bool TracedSpace::give(pid_t pid, TouchedPages& touched) {
  constexpr std::uint64_t kLongestInstruction = 16;
  siginfo_t info{};
  TracedRegisters registers;
  if (::ptrace(PTRACE_GETSIGINFO, pid, 0, &info) != 0 || info.si_code != SEGV_ACCERR) return false;
  const auto address = reinterpret_cast<std::uint64_t>(info.si_addr);
  const auto granule = code_.granule(address);
  if (!granule || !registers.read(pid) || address - registers.instruction() >= kLongestInstruction)
    return false;
  code_.gave(*granule);
  touched.touched(granule->path, {granule->offset, granule->end - granule->begin});
  if (++granules_ <= kMaxGranules &&
      protect(pid, granule->begin, granule->end, granule->protection))
    return true;
  give_all(pid);
  return true;
}

void TracedSpace::give_all(pid_t pid) {
  for (const WithheldRange& range : code_.ranges())
    protect(pid, range.begin, range.end, range.protection);
  code_ = {};
  call_instruction_ = 0;
}

bool TracedSpace::protect(pid_t pid, std::uint64_t begin, std::uint64_t end, int protection) {
  TracedRegisters before;
  std::uint64_t mask = 0;
  if (call_instruction_ == 0 || !before.read(pid) ||
      ::ptrace(PTRACE_GETSIGMASK, pid, sizeof mask, &mask) != 0)
    return false;
  // No handler may run in between.
  std::uint64_t all = ~std::uint64_t{0};
  ::ptrace(PTRACE_SETSIGMASK, pid, sizeof all, &all);
  TracedRegisters call = before;
  call.set_call(call_instruction_, SYS_mprotect, begin, end - begin,
                static_cast<std::uint64_t>(protection));
  call.write(pid);
  bool is_to_stop = false;
  __ptrace_syscall_info info{};
  while (info.op != PTRACE_SYSCALL_INFO_EXIT) {
    ::ptrace(PTRACE_SYSCALL, pid, 0, 0);
    int status = 0;
    if (::waitpid(pid, &status, __WALL) != pid) return false;
    if (!WIFSTOPPED(status) || status >> 16 == PTRACE_EVENT_EXIT) {
      met_->emplace_back(pid, status);
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

}  // namespace gpuinit::warmup
