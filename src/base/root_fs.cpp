#include "base/root_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <memory>

#include "base/text.h"

namespace gpuinit::base {

namespace {

constexpr int kMaxLinks = 40;  // as the kernel's MAXSYMLINKS

// Components still to be walked, the next one last.
std::vector<std::string> reversed_components(std::string_view path) {
  std::vector<std::string> parts;
  for (auto part : split(path, '/'))
    if (!part.empty() && part != ".") parts.emplace_back(part);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

// Relative to the root's descriptor: "/a/b" → "a/b", "/" → ".".
const char* below_root(const std::string& path) {
  return path.size() <= 1 ? "." : path.c_str() + 1;
}

// openat2 with RESOLVE_IN_ROOT (Linux 5.6) walks the whole path as resolve() does,
// in one call instead of one per component. -1 with errno ENOSYS if it is not to be
// had: an old kernel, a seccomp filter, or a path on which the two could differ
// (magic links of /proc, ".." behind a file).
int open_in_root(int root, std::string_view path, int flags) {
  static std::atomic<bool> refused{false};
  if (refused || path.find('\0') != std::string_view::npos) {
    errno = ENOSYS;
    return -1;
  }
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT;
  const std::string name = path.empty() ? "/" : std::string(path);
  const long fd = ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how);
  if (fd >= 0) return static_cast<int>(fd);
  if (errno == ENOENT || errno == EACCES) return -1;
  if (errno == ENOSYS || errno == EPERM) refused = true;
  errno = ENOSYS;
  return -1;
}

// O_PATH; ELOOP if a part of the path is a symlink.
UniqueFd open_without_symlinks(int root, const std::string& path, int flags = 0) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(O_PATH | O_CLOEXEC | flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// Files in /proc and /sys report a size of 0: until the end, not `size`.
Result<std::string> read_to_end(int fd, std::string_view path, std::uint64_t limit) {
  std::string text;
  char piece[16384];
  for (;;) {
    const ssize_t got = ::pread(fd, piece, sizeof piece, static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(std::string(path));
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
    if (text.size() > limit) return errno_error(std::string(path), EFBIG);
  }
}

}  // namespace

Result<RootFs> RootFs::open(const std::string& root) {
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("root directory " + root);
  return RootFs(std::move(fd), root);
}

Result<std::string> RootFs::resolve(std::string_view path) const {
  if (path.find('\0') != std::string_view::npos) return Error{"a path holds a NUL byte", EINVAL};
  note(path);
  // One call instead of one for each component.
  if (path.size() < PATH_MAX && !path.empty() &&
      open_without_symlinks(fd_.get(), std::string(path)).valid())
    return normalize(path);
  std::vector<std::string> rest = reversed_components(path);
  std::string done;  // "" is the root
  int links = 0;
  while (!rest.empty()) {
    const std::string part = std::move(rest.back());
    rest.pop_back();
    if (part == "..") {
      done.resize(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    std::string next = done + "/" + part;
    if (next.size() >= PATH_MAX)
      return Error{std::string(path) + ": path is too long", ENAMETOOLONG};
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(fd_.get(), below_root(next), target, sizeof target);
    if (length < 0) {
      if (errno != EINVAL) return errno_error(std::string(path));
      done = std::move(next);  // exists and is no symlink
      continue;
    }
    if (++links > kMaxLinks) return errno_error(std::string(path), ELOOP);
    const std::string_view link(target, static_cast<std::size_t>(length));
    if (link.starts_with('/')) done.clear();
    for (auto& more : reversed_components(link)) rest.push_back(std::move(more));
  }
  return done.empty() ? std::string("/") : done;
}

Result<UniqueFd> RootFs::open_path(std::string_view path, int flags) const {
  note(path);
  UniqueFd at_once(open_in_root(fd_.get(), path, flags | O_NONBLOCK));
  if (at_once.valid()) return at_once;
  if (errno != ENOSYS) return errno_error(std::string(path));
  auto real = resolve(path);
  if (!real) return std::move(real).error();
  UniqueFd fd(::openat(fd_.get(), below_root(*real), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return errno_error(std::string(path));
  return fd;
}

Result<FileInfo> RootFs::stat(std::string_view path) const {
  note(path);
  struct stat status {};
  const UniqueFd at_once(open_in_root(fd_.get(), path, O_PATH));
  if (at_once.valid()) {
    if (::fstat(at_once.get(), &status) != 0) return errno_error(std::string(path));
  } else if (errno != ENOSYS) {
    return errno_error(std::string(path));
  } else {
    auto real = resolve(path);
    if (!real) return std::move(real).error();
    if (::fstatat(fd_.get(), below_root(*real), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return errno_error(std::string(path));
  }
  FileInfo info;
  info.kind = S_ISREG(status.st_mode)   ? FileInfo::Kind::kFile
              : S_ISDIR(status.st_mode) ? FileInfo::Kind::kDirectory
                                        : FileInfo::Kind::kOther;
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.mode = status.st_mode & 07777U;
  return info;
}

bool RootFs::is_file(std::string_view path) const {
  auto info = stat(path);
  return info && info->kind == FileInfo::Kind::kFile;
}

bool RootFs::is_directory(std::string_view path) const {
  auto info = stat(path);
  return info && info->kind == FileInfo::Kind::kDirectory;
}

bool RootFs::is_executable(std::string_view path) const {
  auto info = stat(path);
  return info && info->kind == FileInfo::Kind::kFile && (info->mode & 0111U) != 0;
}

Result<std::string> RootFs::read_link(std::string_view path) const {
  auto directory = resolve(parent(path));
  if (!directory) return std::move(directory).error();
  return read_link_at(join(*directory, basename(path)));
}

Result<std::string> RootFs::read_link_at(std::string_view path) const {
  note(path);
  const std::string link(path);
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(fd_.get(), below_root(link), target, sizeof target);
  if (length < 0) return errno_error(std::string(path));
  return std::string(target, static_cast<std::size_t>(length));
}

Result<UniqueFd> RootFs::open_regular(std::string_view path) const {
  // O_RDONLY on a device can have effects: look before opening.
  auto info = stat(path);
  if (!info) return std::move(info).error();
  if (info->kind == FileInfo::Kind::kDirectory) return errno_error(std::string(path), EISDIR);
  if (info->kind != FileInfo::Kind::kFile)
    return Error{std::string(path) + ": not a regular file", EINVAL};
  return open_path(path, O_RDONLY);
}

Result<FileSource> RootFs::open_file(std::string_view path) const {
  auto fd = open_regular(path);
  if (!fd) return std::move(fd).error();
  return FileSource::from_fd(std::move(fd).value(), std::string(path));
}

Result<UniqueFd> RootFs::open_directory(std::string_view path) const {
  return open_path(path, O_RDONLY | O_DIRECTORY);
}

Result<UniqueFd> RootFs::open_exact(const std::string& path) const {
  UniqueFd fd = open_without_symlinks(fd_.get(), path, O_DIRECTORY);
  if (fd.valid()) return fd;
  if (errno != ENOSYS && errno != EPERM) return errno_error(path);
  const auto real = resolve(path);  // no openat2
  if (!real) return real.error();
  if (*real != path) return errno_error(path, ELOOP);
  return open_path(path, O_PATH | O_DIRECTORY);
}

Result<std::string> RootFs::read_file(std::string_view path, std::uint64_t limit) const {
  auto file = open_file(path);
  if (!file) return std::move(file).error();
  if (file->size() > limit)
    return Error{std::string(path) + ": " + std::to_string(file->size()) +
                     " bytes, more than the " + std::to_string(limit) +
                     " this kind of file may have",
                 EFBIG};
  return read_to_end(file->fd(), path, limit);
}

Result<std::string> RootFs::read_kernel_file(std::string_view path, std::uint64_t limit) const {
  auto fd = open_path(path, O_RDONLY);
  if (!fd) return std::move(fd).error();
  return read_to_end(fd->get(), path, limit);
}

Result<std::vector<std::string>> RootFs::list(std::string_view path) const {
  auto fd = open_directory(path);
  if (!fd) return std::move(fd).error();
  if (log_ != nullptr) log_->listed.emplace(path);
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd->get()), ::closedir);
  if (!directory) return errno_error(std::string(path));
  fd->release();  // closedir owns it now
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      if (errno != 0) return errno_error(std::string(path));
      break;
    }
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (names.size() >= kMaxEntries)
      return Error{std::string(path) + ": too many directory entries"};
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> read_own_file(std::string_view path, std::uint64_t limit) {
  auto fs = RootFs::open("/");
  if (!fs) return std::move(fs).error();
  return fs->read_file(path, limit);
}

std::string join(std::string_view directory, std::string_view name) {
  if (name.starts_with('/')) return std::string(name);
  std::string path(directory);
  if (path.empty() || path.back() != '/') path += '/';
  return path.append(name);
}

std::string_view parent(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return "/";
  return path.substr(0, slash);
}

std::string_view basename(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

std::string normalize(std::string_view path) {
  std::string result;
  for (auto part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      result.resize(result.empty() ? 0 : result.rfind('/'));
    } else {
      result.append("/").append(part);
    }
  }
  return result.empty() ? "/" : result;
}

}  // namespace gpuinit::base
