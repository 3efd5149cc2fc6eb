#include "launch/command_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/closed_directory.h"
#include "base/unique_fd.h"

namespace gpuinit::launch {

namespace {
constexpr std::size_t kHead = 4096;
}  // namespace

int CommandFiles::stat(const std::string& path, base::FileInfo& info) const {
  if (root_ != nullptr) {
    const auto found = root_->stat(base::join(directory_, path));
    if (!found) return found.error().code != 0 ? found.error().code : ENOENT;
    info = *found;
    return 0;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  info = {S_ISREG(status.st_mode)   ? base::FileInfo::Kind::kFile
          : S_ISDIR(status.st_mode) ? base::FileInfo::Kind::kDirectory
                                    : base::FileInfo::Kind::kOther,
          static_cast<std::uint64_t>(status.st_size), status.st_mode & 07777U, status.st_uid};
  return 0;
}

std::optional<base::FileInfo> CommandFiles::look_at(const std::string& path) const {
  base::FileInfo info;
  if (stat(path, info) != 0) return std::nullopt;
  return info;
}

bool CommandFiles::exists(const std::string& path) const {
  base::FileInfo info;
  const int error = stat(path, info);
  return error == 0 || is_unread(error);
}

std::string CommandFiles::why_closed(const std::string& path) const {
  if (root_ != nullptr) return base::why_closed(*root_, base::join(directory_, path));
  const auto own = base::RootFs::open("/");
  char directory[PATH_MAX];
  if (!own || ::getcwd(directory, sizeof directory) == nullptr) return "cannot be reached";
  return base::why_closed(*own, base::join(directory, path));
}

int CommandFiles::executable_error(const std::string& path) const {
  base::FileInfo info;
  if (const int error = stat(path, info); error != 0) return error;
  if (info.kind == base::FileInfo::Kind::kDirectory) return EISDIR;
  if (info.kind != base::FileInfo::Kind::kFile || (info.mode & 0111U) == 0) return EACCES;
  return are_own() && ::access(path.c_str(), X_OK) != 0 ? errno : 0;
}

std::optional<std::string> CommandFiles::head(const std::string& path) const {
  if (root_ != nullptr) {
    const auto file = root_->open_file(base::join(directory_, path));
    if (!file) return std::nullopt;
    auto text = file->read_text(0, std::min<std::uint64_t>(file->size(), kHead));
    return text ? std::optional(std::move(text).value()) : std::nullopt;
  }
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  char bytes[kHead];
  const ssize_t got = fd.valid() ? ::pread(fd.get(), bytes, sizeof bytes, 0) : -1;
  if (got < 0) return std::nullopt;
  return std::string(bytes, static_cast<std::size_t>(got));
}

}  // namespace gpuinit::launch
