#include "base/open_regular.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace gpuinit::base {

namespace {

bool is_of_the_kernel(int fd) {
  struct statfs system {};
  if (::fstatfs(fd, &system) != 0) return false;
  for (const auto magic : {PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC})
    if (static_cast<unsigned long>(system.f_type) == static_cast<unsigned long>(magic)) return true;
  return false;
}

}  // namespace

UniqueFd open_regular(const char* path) {
  const UniqueFd looked_at(::open(path, O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!looked_at.valid() || ::fstat(looked_at.get(), &status) != 0) return UniqueFd();
  if (!S_ISREG(status.st_mode) || is_of_the_kernel(looked_at.get())) {
    errno = EINVAL;
    return UniqueFd();
  }
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  // What was looked at, whatever the path leads to now.
  char same[32] = "/proc/self/fd/";
  std::to_chars(same + std::strlen(same), same + sizeof same - 1, looked_at.get());
  UniqueFd fd(::open(same, kFlags));
  if (fd.valid() || errno != ENOENT) return fd;
  // Without /proc.
  fd.reset(::open(path, kFlags));
  struct stat opened {};
  if (fd.valid() && (::fstat(fd.get(), &opened) != 0 || opened.st_dev != status.st_dev ||
                     opened.st_ino != status.st_ino)) {
    fd.reset();
    errno = ESTALE;
  }
  return fd;
}

}  // namespace gpuinit::base
