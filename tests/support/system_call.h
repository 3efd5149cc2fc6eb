// Makes system calls under a filter for real: in a child, through each of the entries
// that the kernel has.
#pragma once

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

#include "seccomp/filter.h"

namespace gpuinit::test {

using Arguments = std::array<long, 6>;

// 0 or the errno of a call through this program's own entry. x32: number | 0x40000000.
inline int errno_of(long number, Arguments a = {}) {
  errno = 0;
  return ::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0;
}

#if defined(__x86_64__)
// The same through int 0x80, the entry of 32-bit programs, with i386's numbers.
inline int errno_of_int80(long number, Arguments a = {}) {
  long result = number;
  asm volatile("int $0x80"
               : "+a"(result)
               : "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
               : "memory", "r8", "r9", "r10", "r11");
  const int narrow = static_cast<int>(result);
  return narrow < 0 && narrow > -4096 ? -narrow : 0;
}
#endif

// What `in_child` returned in a child process, 128 + n if signal n ended it.
inline int result_in_child(const std::function<int()>& in_child) {
  const pid_t pid = ::fork();
  // Not _exit: before what does not return a sanitizer makes calls that a filter refuses.
  if (pid == 0) ::syscall(SYS_exit_group, in_child());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

constexpr int kFilterRefused = 199;

// The same, under that filter.
inline int result_under(const seccomp::Program& program, const std::function<int()>& in_child) {
  return result_in_child([&] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return seccomp::install_or_errno(program, 0) == 0 ? in_child() : kFilterRefused;
  });
}

}  // namespace gpuinit::test
