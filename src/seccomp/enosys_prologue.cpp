#include "seccomp/enosys_prologue.h"

#include <algorithm>
#include <cstddef>

namespace gpuinit::seccomp {

namespace {

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

sock_filter jump(unsigned test, std::uint32_t value, std::size_t if_true, std::size_t if_false) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value,
                  static_cast<std::uint8_t>(if_true), static_cast<std::uint8_t>(if_false));
}

sock_filter give(std::uint32_t result) { return BPF_STMT(BPF_RET | BPF_K, result); }

void append(Program& program, const Program& more) {
  program.insert(program.end(), more.begin(), more.end());
}

// The number is loaded, and it is one of this ABI.
Program decide(const AbiPrologue& part) {
  std::uint32_t lowest = part.has_last ? part.last + 1 : ~0U;
  for (const auto& decision : part.decisions) lowest = std::min(lowest, decision.number);
  Program body;
  for (const auto& decision : part.decisions) {
    body.push_back(jump(BPF_JEQ, decision.number, 0, 1));
    body.push_back(give(decision.result));
  }
  if (part.has_last) {
    body.push_back(jump(BPF_JGT, part.last, 0, 1));
    body.push_back(give(SECCOMP_RET_ERRNO | ENOSYS));
  }
  Program program;
  if (body.empty()) return program;
  // Nearly every call is an older one: one test for it.
  program.push_back(jump(BPF_JGE, lowest, 0, body.size()));
  append(program, body);
  return program;
}

}  // namespace

Program compile_prologue(const EnosysPrologue& prologue) {
  Program program;
  for (std::size_t i = 0; i < kAbis.size(); ++i) {
    const Abi& abi = kAbis[i];
    Program body = decide(prologue[i]);
    if (body.empty()) continue;
    program.push_back(load(offsetof(seccomp_data, arch)));
    const bool shared = std::count_if(kAbis.begin(), kAbis.end(), [&](const Abi& other) {
                          return other.audit_arch == abi.audit_arch;
                        }) > 1;
    program.push_back(jump(BPF_JEQ, abi.audit_arch, 0, body.size() + (shared ? 2 : 1)));
    program.push_back(load(offsetof(seccomp_data, nr)));
    if (shared) {
      const bool is_x32 = abi.first_number == kX32Bit;
      program.push_back(jump(BPF_JGE, kX32Bit, is_x32 ? 0 : body.size(), is_x32 ? body.size() : 0));
    }
    append(program, body);
  }
  return program;
}

}  // namespace gpuinit::seccomp
