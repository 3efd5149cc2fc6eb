// The part of a program that comes before libseccomp's: rules for calls that libseccomp does
// not know, and ENOSYS for those newer than all that the rules name.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "seccomp/abis.h"
#include "seccomp/filter.h"

namespace gpuinit::seccomp {

// What is decided here for one ABI. Numbers as in seccomp_data.nr.
struct AbiPrologue {
  struct Decision {
    std::uint32_t number;
    std::uint32_t result;  // SECCOMP_RET_*
  };
  std::vector<Decision> decisions;
  bool has_last = false;  // calls above `last` fail with ENOSYS
  std::uint32_t last = 0;
};
using EnosysPrologue = std::array<AbiPrologue, kAbis.size()>;

// Falls through at its end for every call that it does not decide. Has only instructions
// that the kernel can evaluate in advance (seccomp_is_const_allow, Linux 5.11).
Program compile_prologue(const EnosysPrologue& prologue);

}  // namespace gpuinit::seccomp
