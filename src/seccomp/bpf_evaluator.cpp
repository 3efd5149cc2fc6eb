// Runs a filter's program as the kernel would; Documentation/networking/filter.rst.
#include <cstddef>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "seccomp/abis.h"
#include "seccomp/filter.h"

namespace gpuinit::seccomp {

namespace {

bool holds(std::uint16_t code, std::uint32_t a, std::uint32_t value) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return a == value;
    case BPF_JGT:
      return a > value;
    case BPF_JGE:
      return a >= value;
    default:
      return (a & value) != 0;  // BPF_JSET
  }
}

// Follows every path that a call's arguments can take. nullopt is a value that depends on
// them.
class Walk {
 public:
  Walk(const Program& program, std::uint32_t number) : program_(program), number_(number) {}

  void from(std::size_t at, std::optional<std::uint32_t> a) {
    if (at >= program_.size() || !seen_.emplace(at, a).second) return;
    const sock_filter& step = program_[at];
    switch (BPF_CLASS(step.code)) {
      case BPF_LD:
        if (step.k == offsetof(seccomp_data, nr)) return from(at + 1, number_);
        if (step.k == offsetof(seccomp_data, arch)) return from(at + 1, kAbis[0].audit_arch);
        return from(at + 1, std::nullopt);
      case BPF_ALU:
        return from(at + 1, a ? std::optional(*a & step.k) : a);
      case BPF_JMP:
        if (BPF_OP(step.code) == BPF_JA) return from(at + 1 + step.k, a);
        if (!a || holds(step.code, *a, step.k)) from(at + 1 + step.jt, a);
        if (!a || !holds(step.code, *a, step.k)) from(at + 1 + step.jf, a);
        return;
      default: {
        const std::uint32_t action = step.k & SECCOMP_RET_ACTION_FULL;
        (action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG ? allowed_ : denied_) = true;
      }
    }
  }

  Allows outcome() const {
    if (!allowed_) return Allows::kNever;
    return denied_ ? Allows::kForSomeArguments : Allows::kAlways;
  }

 private:
  const Program& program_;
  std::uint32_t number_;
  std::set<std::pair<std::size_t, std::optional<std::uint32_t>>> seen_;
  bool allowed_ = false;
  bool denied_ = false;
};

}  // namespace

Allows allows(const Program& program, int number) {
  Walk walk(program, static_cast<std::uint32_t>(number));
  walk.from(0, 0);
  return walk.outcome();
}

std::uint32_t evaluate(const Program& program, const seccomp_data& call) {
  std::uint32_t a = 0;
  // Jumps go forward only, so this ends.
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    switch (BPF_CLASS(step.code)) {
      case BPF_LD:
        if (step.k > sizeof call - sizeof a) return SECCOMP_RET_KILL_PROCESS;
        std::memcpy(&a, reinterpret_cast<const char*>(&call) + step.k, sizeof a);
        break;
      case BPF_ALU:  // what libseccomp writes is `and` only
        if (BPF_OP(step.code) != BPF_AND) return SECCOMP_RET_KILL_PROCESS;
        a &= step.k;
        break;
      case BPF_JMP:
        if (BPF_OP(step.code) == BPF_JA) at += step.k;
        else at += holds(step.code, a, step.k) ? step.jt : step.jf;
        break;
      case BPF_RET:
        return step.k;
      default:
        return SECCOMP_RET_KILL_PROCESS;
    }
  }
  return SECCOMP_RET_KILL_PROCESS;
}

}  // namespace gpuinit::seccomp
