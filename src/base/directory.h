// A directory in a RootFs that many small reads go through: each costs half of what
// it costs by its whole path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/root_fs.h"
#include "base/unique_fd.h"
#include "gpuinit/result.h"

namespace gpuinit::base {

struct DirectoryEntry {
  enum class Kind { kFile, kDirectory, kLink, kOther };
  std::string name;
  Kind kind = Kind::kOther;  // of the entry itself: a symlink is kLink
  bool operator==(const DirectoryEntry&) const = default;
};

// As lstat(2) has it.
struct EntryStatus {
  std::uint32_t mode = 0;     // with the type
  std::uint64_t size = 0;     // bytes
  std::int64_t modified = 0;  // seconds since 1970
};

class Directory {
 public:
  // `fs` must outlive it. Symlinks in `path` are followed inside the root.
  static Result<Directory> open(const RootFs& fs, const std::string& path);

  // The same for a path that has no symlink in it; ELOOP if it has one now.
  static Result<Directory> open_exact(const RootFs& fs, const std::string& path);

  // Of the directory itself. Error.code is the errno.
  Result<EntryStatus> status() const;

  // Sorted by name, without "." and ".."; at most RootFs::kMaxEntries.
  Result<std::vector<DirectoryEntry>> entries() const;

  // Of what has that name in it, symlinks not followed. A name that leads through directories below
  // is for comparing with what they were: should one be a symlink now, that is followed anywhere.
  Result<EntryStatus> status_of(const std::string& name) const;
  Result<std::string> read_link(const std::string& name) const;

  // In what follows `name` is an entry of the directory, never a longer path.

  // The directory of that name in this one; a symlink is followed inside the root.
  Result<Directory> open_directory(const std::string& name) const;
  // The same, but ELOOP if it is a symlink.
  Result<Directory> open_entry(const std::string& name) const;

  // An open regular file; its name() is the path inside the root. A symlink is followed there.
  Result<FileSource> open_file(const std::string& name) const;

  // The beginning of such a file, at most `limit` bytes of it.
  Result<std::string> read_head(const std::string& name, std::size_t limit) const;

  const std::string& path() const { return path_; }

 private:
  Directory(const RootFs& fs, UniqueFd fd, std::string path)
      : fs_(&fs), fd_(std::move(fd)), path_(std::move(path)) {}

  struct Opened {
    UniqueFd fd;
    std::uint64_t size = 0;
  };
  // A regular file for reading; anything else is not opened.
  Result<Opened> open_regular(const std::string& name) const;

  void note(const std::string& path) const;

  const RootFs* fs_;
  UniqueFd fd_;
  std::string path_;
};

}  // namespace gpuinit::base
