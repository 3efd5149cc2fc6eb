// The registers of a stopped tracee, and what differs between processors: how a system call is
// made, and skipped. Everything else in the tracer is the same for both.
#pragma once

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <cstdint>
#include <string_view>

namespace gpuinit::warmup {

class TracedRegisters {
 public:
  // False if the tracee is gone.
  bool read(pid_t pid) {
    iovec vector{&registers_, sizeof registers_};
    return ::ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector) == 0;
  }
  bool write(pid_t pid) const {
    iovec vector{const_cast<user_regs_struct*>(&registers_), sizeof registers_};
    return ::ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector) == 0;
  }

#if defined(__x86_64__)
  static constexpr std::string_view kCallInstruction{"\x0f\x05", 2};  // syscall

  std::uint64_t instruction() const { return registers_.rip; }

  // About to execute the call instruction at `instruction`.
  void set_call(std::uint64_t instruction, long number, std::uint64_t first, std::uint64_t second,
                std::uint64_t third) {
    registers_.rip = instruction;
    registers_.rax = static_cast<std::uint64_t>(number);
    registers_.orig_rax = ~0ULL;  // not in a call: nothing to be restarted
    registers_.rdi = first;
    registers_.rsi = second;
    registers_.rdx = third;
  }

  // At the entry of a call: it is not made.
  bool skip_call(pid_t pid) {
    TracedRegisters skipped = *this;
    skipped.registers_.orig_rax = ~0ULL;
    return skipped.write(pid);
  }

  // As they were at the entry of call `number`, but before its instruction.
  void rewind(long number) {
    registers_.rip -= kCallInstruction.size();
    registers_.rax = static_cast<std::uint64_t>(number);
    registers_.orig_rax = ~0ULL;
  }
#elif defined(__aarch64__)
  static constexpr std::string_view kCallInstruction{"\x01\x00\x00\xd4", 4};  // svc #0

  std::uint64_t instruction() const { return registers_.pc; }

  void set_call(std::uint64_t instruction, long number, std::uint64_t first, std::uint64_t second,
                std::uint64_t third) {
    registers_.pc = instruction;
    registers_.regs[8] = static_cast<std::uint64_t>(number);
    registers_.regs[0] = first;
    registers_.regs[1] = second;
    registers_.regs[2] = third;
  }

  bool skip_call(pid_t pid) {
    int none = -1;
    iovec vector{&none, sizeof none};
    return ::ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &vector) == 0;
  }

  void rewind(long) { registers_.pc -= kCallInstruction.size(); }
#endif

 private:
  user_regs_struct registers_{};
};

}  // namespace gpuinit::warmup
