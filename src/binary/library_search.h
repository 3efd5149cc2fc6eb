// Where the glibc loader finds a library: the search order of ld.so(8).
//
// What the loader knows and files do not say is taken so: relative and
// empty elements count from "/" (the working directory of a container); the
// glibc-hwcaps subdirectories are those that this machine's CPU supports; $LIB and
// the default directories are Debian's where the root has /lib/<triple>,
// otherwise lib64 (or lib, where there is no lib64); $ORIGIN in LD_LIBRARY_PATH is
// the requester's, not the program's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "binary/ld_so_cache.h"
#include "gpuinit/result.h"

namespace gpuinit::binary {

struct FoundLibrary {
  std::string path;       // as the loader opens it
  std::string real_path;  // symlinks resolved inside the root
  std::string found_by;   // "RPATH of /a/b.so", "LD_LIBRARY_PATH", "RUNPATH of …", "ld.so.cache",
                          // "default directory"
};

// The object that asks: its own path and search paths.
struct Requester {
  // As it was opened; $ORIGIN is its directory, symlinks not resolved. For a
  // program the kernel resolves them first: give its real path.
  std::string path;
  // DT_RPATH of it and, joined by ':', of its loaders with their own $ORIGIN
  // already replaced. Ignored if `runpath` is set.
  std::string rpath;
  std::string runpath;
};

class LibrarySearch {
 public:
  // `environment` is that of the command: LD_LIBRARY_PATH is read from it.
  // The cache file is read on first use and kept.
  LibrarySearch(const base::RootFs& fs, const std::map<std::string, std::string>& environment);

  // An error with code ENOENT if the loader would not find `soname`; with ENOEXEC or
  // another code if it finds a file that it cannot read and gives up there.
  // Candidates of another ELF class or machine than `machine` are passed over, as
  // the loader does. A `soname` with a slash is a path.
  Result<FoundLibrary> find(const std::string& soname, const Requester& requester,
                            const std::string& machine) const;

  // Why the cache could not be used; empty if it was read or does not exist.
  const std::string& cache_problem() const;

 private:
  const std::vector<CacheEntry>& cache() const;

  const base::RootFs& fs_;
  std::string library_path_;
  mutable bool cache_read_ = false;
  mutable bool cache_exists_ = false;
  mutable std::vector<CacheEntry> cache_;
  mutable std::string cache_problem_;
};

}  // namespace gpuinit::binary
