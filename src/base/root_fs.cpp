#include "base/root_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <memory>

#include "base/open_in_root.h"
#include "base/repeated.h"
#include "base/text.h"

namespace gpuinit::base {

namespace {

Error too_large(std::string_view path, std::uint64_t limit) {
  return limit_error(std::string(path), "more than the " + std::to_string(limit) +
                                            " bytes that are read of such a file");
}

// Files in /proc and /sys report a size of 0: until the end, not `size`.
Result<std::string> read_to_end(int fd, std::string_view path, std::uint64_t limit) {
  std::string text;
  char piece[16384];
  for (;;) {
    const ssize_t got =
        repeated([&] { return ::pread(fd, piece, sizeof piece, static_cast<off_t>(text.size())); });
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(std::string(path));
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
    if (text.size() > limit) return too_large(path, limit);
  }
}

}  // namespace

Result<RootFs> RootFs::open(const std::string& root) {
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("root directory " + root);
  return RootFs(std::move(fd), root);
}

Result<std::string> RootFs::resolve(std::string_view path) const {
  note(path);
  return resolve_in_root(fd_.get(), path);
}

Result<UniqueFd> RootFs::open_path(std::string_view path, int flags) const {
  note(path);
  UniqueFd fd = open_in_root(fd_.get(), path, flags, Links::kFollowed);
  if (!fd.valid()) return errno_error(std::string(path));
  return fd;
}

Result<UniqueFd> RootFs::look_at(std::string_view path) const { return open_path(path, O_PATH); }

Result<FileInfo> RootFs::stat(std::string_view path) const {
  const auto fd = look_at(path);
  if (!fd) return fd.error();
  struct stat status {};
  if (repeated([&] { return ::fstat(fd->get(), &status); }) != 0)
    return errno_error(std::string(path));
  FileInfo info;
  info.kind = S_ISREG(status.st_mode)   ? FileInfo::Kind::kFile
              : S_ISDIR(status.st_mode) ? FileInfo::Kind::kDirectory
                                        : FileInfo::Kind::kOther;
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.mode = status.st_mode & 07777U;
  info.owner = status.st_uid;
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
  note(path);
  const auto directory = look_at(parent(path));
  if (!directory) return directory.error();
  char target[PATH_MAX];
  const std::string name(basename(path));
  const ssize_t length =
      repeated([&] { return ::readlinkat(directory->get(), name.c_str(), target, sizeof target); });
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
  return open_path(path, O_PATH | O_DIRECTORY);
}

Result<UniqueFd> RootFs::open_exact(std::string_view path) const {
  UniqueFd fd = open_in_root(fd_.get(), path, O_PATH | O_DIRECTORY, Links::kRefused);
  if (!fd.valid()) return errno_error(std::string(path));
  return fd;
}

Result<std::string> RootFs::read_file(std::string_view path, std::uint64_t limit) const {
  auto file = open_file(path);
  if (!file) return std::move(file).error();
  if (file->size() > limit)
    return limit_error(std::string(path), std::to_string(file->size()) + " bytes, more than the " +
                                              std::to_string(limit) +
                                              " that are read of such a file");
  return read_to_end(file->fd(), path, limit);
}

Result<std::string> RootFs::read_kernel_file(std::string_view path, std::uint64_t limit) const {
  auto fd = open_path(path, O_RDONLY);
  if (!fd) return std::move(fd).error();
  return read_to_end(fd->get(), path, limit);
}

Result<std::vector<std::string>> RootFs::list(std::string_view path) const {
  auto fd = open_path(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return std::move(fd).error();
  if (log_ != nullptr) log_->listed.emplace(path);
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd->get()), ::closedir);
  if (!directory) return errno_error(std::string(path));
  fd->release();  // closedir owns it now
  std::vector<std::string> names;
  for (;;) {
    const dirent* entry = next_entry(directory.get());
    if (entry == nullptr) {
      if (errno != 0) return errno_error(std::string(path));
      break;
    }
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (names.size() >= kMaxEntries) return too_many_entries(std::string(path));
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Error RootFs::too_many_entries(const std::string& path) {
  return limit_error(path, "more than " + std::to_string(kMaxEntries) + " directory entries");
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
