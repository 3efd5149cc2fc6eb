#include "base/write_whole_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "base/unique_fd.h"
#include "base/write_all.h"

namespace gpuinit::base {

namespace {

Status make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != path.npos;
       slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return errno_error(directory);
  }
  return Done{};
}

// The directory of a path, or the nearest above it that is there.
Status directory_takes_files(std::string path) {
  for (;;) {
    const auto slash = path.rfind('/');
    path = slash == path.npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
    if (::access(path.c_str(), W_OK | X_OK) == 0) return Done{};
    if (errno != ENOENT || path == "." || path == "/") return errno_error(path);
  }
}

// A name that nobody can have made, or linked, before us.
std::string new_name_beside(const std::string& path) {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) < 0)
    number = static_cast<std::uint64_t>(::getpid());
  return path + ".gpuinit-" + std::to_string(number);
}

}  // namespace

Status may_be_written(const std::string& path) {
  struct stat status {};
  const bool is_new = ::lstat(path.c_str(), &status) != 0;
  if (is_new && errno != ENOENT) return errno_error(path);
  if (is_new || S_ISREG(status.st_mode)) return directory_takes_files(path);
  return Error{path + " is " +
                   (S_ISLNK(status.st_mode)   ? "a symlink: name the file itself"
                    : S_ISDIR(status.st_mode) ? "a directory"
                                              : "a device, FIFO or socket") +
                   "; only a regular file is replaced",
               EINVAL};
}

Status write_whole_file(const std::string& path, std::string_view text) {
  if (Status may = may_be_written(path); !may) return may;
  if (Status made = make_directories(path); !made) return made;
  const std::string beside = new_name_beside(path);
  const UniqueFd fd(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd.valid()) return errno_error(beside);
  Status written = write_all(fd.get(), text, "writing " + beside);
  if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = errno_error(path);
  if (!written) ::unlink(beside.c_str());
  return written;
}

}  // namespace gpuinit::base
