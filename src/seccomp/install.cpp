// Gives a program to the kernel.
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp/filter.h"

// Newer than some kernel headers that we build with.
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif
#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif

namespace gpuinit::seccomp {

namespace {

long set_mode_filter(const Program& program, unsigned flags) {
  const sock_fprog given{static_cast<unsigned short>(program.size()),
                         const_cast<sock_filter*>(program.data())};
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &given);
  // Kernels before 4.17 know neither this flag nor the slowness that it avoids.
  if (result < 0 && errno == EINVAL && (flags & SECCOMP_FILTER_FLAG_SPEC_ALLOW) != 0)
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags & ~SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                     &given);
  return result;
}

}  // namespace

unsigned install_flags(const Filter& filter) {
  unsigned flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if (filter.log) flags |= SECCOMP_FILTER_FLAG_LOG;
  return flags;
}

int install_or_errno(const Program& program, unsigned flags) {
  return set_mode_filter(program, flags) < 0 ? errno : 0;
}

Status install(const Program& program, unsigned flags) {
  const int error = install_or_errno(program, flags);
  if (error == 0) return Done{};
  return errno_error("the kernel refuses the seccomp filter", error);
}

Result<int> install_with_listener(const Program& program) {
  const long fd = set_mode_filter(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  if (fd < 0) return errno_error("the kernel refuses a seccomp filter with a listener");
  return static_cast<int>(fd);
}

}  // namespace gpuinit::seccomp
