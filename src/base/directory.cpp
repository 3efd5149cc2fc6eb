#include "base/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <string_view>
#include <utility>

#include "base/repeated.h"

namespace gpuinit::base {

namespace {

DirectoryEntry::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return DirectoryEntry::Kind::kFile;
  if (S_ISDIR(mode)) return DirectoryEntry::Kind::kDirectory;
  return S_ISLNK(mode) ? DirectoryEntry::Kind::kLink : DirectoryEntry::Kind::kOther;
}

// Only of one name O_NOFOLLOW and its like speak: a longer path could lead out of the root. False
// with errno.
bool is_entry(std::string_view name) {
  errno = name.empty() ? ENOENT : EINVAL;
  return !name.empty() && name != ".." && name.find('/') == std::string_view::npos;
}

int status_at(int directory, const char* name, struct stat& status) {
  return repeated([&] { return ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW); });
}

UniqueFd open_at(int directory, const char* name, int flags) {
  return UniqueFd(repeated([&] { return ::openat(directory, name, flags | O_CLOEXEC); }));
}

// Some file systems leave the type out of the entry.
DirectoryEntry::Kind kind_of(int directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return kind_of(static_cast<mode_t>(DTTOIF(entry.d_type)));
  struct stat status {};
  if (status_at(directory, entry.d_name, status) != 0) return DirectoryEntry::Kind::kOther;
  return kind_of(status.st_mode);
}

}  // namespace

void Directory::note(const std::string& path) const {
  if (ReadLog* log = fs_->log()) log->paths.insert(path);
}

Result<Directory> Directory::open(const RootFs& fs, const std::string& path) {
  auto fd = fs.open_directory(path);
  if (!fd) return std::move(fd).error();
  return Directory(fs, std::move(fd).value(), path);
}

Result<Directory> Directory::open_exact(const RootFs& fs, const std::string& path) {
  auto fd = fs.open_exact(path);
  if (!fd) return std::move(fd).error();
  return Directory(fs, std::move(fd).value(), path);
}

Result<EntryStatus> Directory::status() const {
  struct stat status {};
  if (repeated([&] { return ::fstat(fd_.get(), &status); }) != 0) return errno_error(path_);
  return EntryStatus{status.st_mode, static_cast<std::uint64_t>(status.st_size), status.st_mtime};
}

Result<EntryStatus> Directory::status_of(const std::string& name) const {
  struct stat status {};
  if (status_at(fd_.get(), name.c_str(), status) != 0) return errno_error(join(path_, name));
  return EntryStatus{status.st_mode, static_cast<std::uint64_t>(status.st_size), status.st_mtime};
}

Result<std::string> Directory::read_link(const std::string& name) const {
  char target[PATH_MAX];
  const ssize_t length =
      repeated([&] { return ::readlinkat(fd_.get(), name.c_str(), target, sizeof target); });
  if (length < 0) return errno_error(join(path_, name));
  return std::string(target, static_cast<std::size_t>(length));
}

Result<Directory> Directory::open_entry(const std::string& name) const {
  std::string path = join(path_, name);
  note(path);
  if (!is_entry(name)) return errno_error(path);
  UniqueFd fd = open_at(fd_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (fd.valid()) return Directory(*fs_, std::move(fd), std::move(path));
  // ENOTDIR is said of a symlink too.
  const int code = errno;
  return errno_error(path, code == ENOTDIR && read_link(name) ? ELOOP : code);
}

Result<Directory> Directory::open_directory(const std::string& name) const {
  auto opened = open_entry(name);
  if (opened || opened.error().code != ELOOP) return opened;
  return open(*fs_, join(path_, name));
}

Result<std::vector<DirectoryEntry>> Directory::entries() const {
  UniqueFd copy = open_at(fd_.get(), ".", O_RDONLY | O_DIRECTORY);
  if (!copy.valid()) return errno_error(path_);
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(copy.get()), ::closedir);
  if (!directory) return errno_error(path_);
  copy.release();  // closedir owns it now
  if (ReadLog* log = fs_->log()) log->listed.insert(path_);
  std::vector<DirectoryEntry> entries;
  for (;;) {
    const dirent* entry = next_entry(directory.get());
    if (entry == nullptr) {
      if (errno != 0) return errno_error(path_);
      break;
    }
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (entries.size() >= RootFs::kMaxEntries) return RootFs::too_many_entries(path_);
    entries.push_back({std::string(name), kind_of(fd_.get(), *entry)});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Result<Directory::Opened> Directory::open_regular(const std::string& name) const {
  struct stat status {};
  const std::string path = join(path_, name);
  note(path);
  if (!is_entry(name) || status_at(fd_.get(), name.c_str(), status) != 0) return errno_error(path);
  Opened opened;
  if (S_ISLNK(status.st_mode)) {
    auto fd = fs_->open_regular(path);
    if (!fd) return std::move(fd).error();
    if (repeated([&] { return ::fstat(fd->get(), &status); }) != 0) return errno_error(path);
    opened.fd = std::move(fd).value();
  } else {
    // O_RDONLY on a device can have effects: only what was looked at is opened.
    if (!S_ISREG(status.st_mode)) return Error{path + ": not a regular file", EINVAL};
    opened.fd = open_at(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!opened.fd.valid()) return errno_error(path);
  }
  opened.size = static_cast<std::uint64_t>(status.st_size);
  return opened;
}

Result<FileSource> Directory::open_file(const std::string& name) const {
  auto opened = open_regular(name);
  if (!opened) return std::move(opened).error();
  return FileSource::from_fd(std::move(opened->fd), join(path_, name));
}

Result<std::string> Directory::read_head(const std::string& name, std::size_t limit) const {
  auto opened = open_regular(name);
  if (!opened) return std::move(opened).error();
  std::string text(std::min<std::uint64_t>(limit, opened->size), '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = repeated([&] {
      return ::pread(opened->fd.get(), text.data() + length, text.size() - length,
                     static_cast<off_t>(length));
    });
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(join(path_, name));
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return text;
}

}  // namespace gpuinit::base
