// A file tree under a root directory, with symlinks that stay inside it.
//
// Every path is absolute as seen inside the root; an absolute symlink starts
// again at the root and ".." never leaves it, as after chroot. Nothing here ever
// blocks on a FIFO or device, and only regular files can be read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/read_log.h"
#include "base/unique_fd.h"
#include "gpuinit/result.h"

namespace gpuinit::base {

struct FileInfo {
  enum class Kind { kFile, kDirectory, kOther };
  Kind kind = Kind::kOther;
  std::uint64_t size = 0;  // bytes
  std::uint32_t mode = 0;  // permission bits, 07777
  std::uint32_t owner = 0;  // uid
};

class RootFs {
 public:
  // "/" for the machine's own tree. Fails if `root` is not a directory.
  static Result<RootFs> open(const std::string& root);

  // `path` with every symlink resolved and "." and ".." gone; "" and relative
  // paths count from "/". ENOENT if a component is missing, ELOOP after 40 links.
  Result<std::string> resolve(std::string_view path) const;

  // What the path leads to, symlinks followed. Error.code is the errno.
  Result<FileInfo> stat(std::string_view path) const;
  bool is_file(std::string_view path) const;
  bool is_directory(std::string_view path) const;
  bool is_executable(std::string_view path) const;  // a regular file with any x bit

  // The target of a symlink as written in it; an error if it is not a symlink.
  Result<std::string> read_link(std::string_view path) const;

  // An open regular file; name() is the path inside the root.
  Result<FileSource> open_file(std::string_view path) const;

  // The same as a descriptor.
  Result<UniqueFd> open_regular(std::string_view path) const;

  // O_PATH, which opens nothing: of anything, of a directory, and of a directory with ELOOP if a
  // part of the path is a symlink.
  Result<UniqueFd> look_at(std::string_view path) const;
  Result<UniqueFd> open_directory(std::string_view path) const;
  Result<UniqueFd> open_exact(std::string_view path) const;

  // The whole file as text; limit_error() if it is larger than `limit` bytes.
  Result<std::string> read_file(std::string_view path,
                                std::uint64_t limit = 4ULL * 1024 * 1024) const;

  // The same, in half the system calls, for a file of procfs, sysfs or cgroupfs: it is
  // opened without having been looked at first, since there nothing happens by it.
  Result<std::string> read_kernel_file(std::string_view path, std::uint64_t limit) const;

  // Names in a directory, sorted, without "." and ".."; at most kMaxEntries.
  Result<std::vector<std::string>> list(std::string_view path) const;

  const std::string& root() const { return root_; }

  // From here on everything that is looked at is noted there, by base::Directory too; null: no
  // longer. Not owned.
  void log_to(ReadLog* log) { log_ = log; }
  ReadLog* log() const { return log_; }

  static constexpr std::size_t kMaxEntries = 200'000;
  static Error too_many_entries(const std::string& path);

 private:
  RootFs(UniqueFd fd, std::string root) : fd_(std::move(fd)), root_(std::move(root)) {}

  Result<UniqueFd> open_path(std::string_view path, int flags) const;

  void note(std::string_view path) const {
    if (log_ != nullptr) log_->paths.emplace(path);
  }

  UniqueFd fd_;
  std::string root_;
  ReadLog* log_ = nullptr;
};

// One file of the machine's own tree, as RootFs::read_file.
Result<std::string> read_own_file(std::string_view path, std::uint64_t limit = 4ULL * 1024 * 1024);

// "/a/b" + "c" → "/a/b/c"; an absolute `name` replaces the directory.
std::string join(std::string_view directory, std::string_view name);
std::string_view parent(std::string_view path);    // "/a/b" → "/a", "/a" → "/"
std::string_view basename(std::string_view path);  // "/a/b" → "b"
// "." and ".." removed by text alone, symlinks not looked at: "/a/../b" → "/b".
std::string normalize(std::string_view path);

}  // namespace gpuinit::base
