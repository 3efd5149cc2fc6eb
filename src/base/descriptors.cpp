#include "base/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace gpuinit::base {

namespace {

bool close_range(int first, unsigned last) {
  const auto from = static_cast<unsigned>(first);
  return from > last || ::syscall(SYS_close_range, from, last, 0) == 0;
}

// Calls `act` with every open descriptor from `first` on, and maybe with some that are not.
template <class Act>
void for_each_descriptor(int first, const Act& act) {
  if (DIR* open_files = ::opendir("/proc/self/fd")) {
    const int own = ::dirfd(open_files);
    while (const dirent* entry = ::readdir(open_files)) {
      const int fd = std::atoi(entry->d_name);
      if (fd >= first && fd != own) act(fd);
    }
    ::closedir(open_files);
    return;
  }
  // Without /proc. Limits of 10^9 exist; no process has that many files open.
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto end = std::min<rlim_t>(limit.rlim_cur, 1 << 16);
  for (int fd = first; fd < static_cast<int>(end); ++fd) act(fd);
}

}  // namespace

void close_descriptors(int first, int keep) {
  if (keep < first
          ? close_range(first, ~0U)
          : close_range(first, static_cast<unsigned>(keep) - 1) && close_range(keep + 1, ~0U))
    return;
  // Kernels before 5.9, and seccomp filters that do not know the call.
  for_each_descriptor(first, [keep](int fd) {
    if (fd != keep) ::close(fd);
  });
}

void close_inherited_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; ++fd) ::close(fd);
  occupy_standard_descriptors(0);
  for_each_descriptor(STDERR_FILENO + 1, [](int fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ::close(fd);
  });
}

void occupy_standard_descriptors(int flags) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free descriptor is this one.
    if (::open("/dev/null", flags) < 0) [[maybe_unused]]
      const int any = ::open("/", O_PATH | (flags & O_CLOEXEC));
  }
}

}  // namespace gpuinit::base
