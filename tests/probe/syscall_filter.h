// Makes system calls fail, as seccomp profiles, old kernels and strict hosts do.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace gpuinit::test {

struct Refusal {
  long call;
  int error;
  // Only if this bit is set in that argument (counted from 0); 0: always.
  unsigned flag = 0;
  unsigned argument = 0;
};

// For this process and its children, for good. False: the kernel cannot.
inline bool refuse(const std::vector<Refusal>& refusals) {
  std::vector<sock_filter> code;
  for (const auto& refusal : refusals) {
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(refusal.call), 0,
                            static_cast<unsigned char>(refusal.flag != 0 ? 3 : 1)));
    if (refusal.flag != 0) {
      code.push_back(
          BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                   static_cast<unsigned>(offsetof(seccomp_data, args) + 8 * refusal.argument)));
      code.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, refusal.flag, 0, 1));
    }
    code.push_back(
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(refusal.error)));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace gpuinit::test
