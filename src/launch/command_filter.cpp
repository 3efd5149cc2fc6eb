#include "launch/command_filter.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gpuinit::launch {

int enter(const CommandFilter& filter) {
  if (filter.no_new_privs && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return seccomp::install_or_errno(filter.program, filter.flags);
}

ExecFailure describe_refused_filter(int error) {
  std::string message =
      "the command was not started: the kernel refuses the policy's seccomp filter (";
  message += std::strerror(error);
  message += "); ";
  switch (error) {
    case ENOSYS:
    case EINVAL:
      message += "this kernel has no seccomp filters, or not all that this one uses";
      break;
    case EPERM:
    case EACCES:
      message += "the container's own seccomp profile or security module forbids it";
      break;
    default:
      message += "run the command without [seccomp], or on another kernel";
      break;
  }
  return {kExitPolicy, std::move(message)};
}

bool allows_diagnosis(const CommandFilter& filter) {
  constexpr int kCalls[] = {SYS_newfstatat, SYS_faccessat, SYS_openat,
                            SYS_pread64,    SYS_statfs,    SYS_close};
  const auto allowed = [&](int call) {
    return seccomp::allows(filter.program, call) == seccomp::Allows::kAlways;
  };
  if (!std::all_of(std::begin(kCalls), std::end(kCalls), allowed)) return false;
#if defined(__x86_64__)
  return allowed(SYS_access);
#else
  return true;
#endif
}

}  // namespace gpuinit::launch
