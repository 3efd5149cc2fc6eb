// Where the glibc loader finds a library: the search order of ld.so(8).
//
// What the loader knows and files do not say is taken so: relative and
// empty elements count from "/" (the working directory of a container); the
// glibc-hwcaps subdirectories are those that this machine's CPU supports, the older
// ones ("haswell", "tls", gone since glibc 2.37) are not looked at; $PLATFORM is the
// machine; $LIB and the default directories are Debian's where the root has
// /lib/<triple>, otherwise lib64 (or lib, where there is no lib64).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/byte_source.h"
#include "base/directory.h"
#include "base/root_fs.h"
#include "elf/elf_file.h"
#include "elf/symbol_table.h"
#include "gpuinit/result.h"
#include "ldso/ld_so_cache.h"

namespace gpuinit::ldso {

struct LoaderPlatform;  // loader_rules.h

struct FoundLibrary {
  std::string path;       // as the loader opens it
  std::string real_path;  // symlinks resolved inside the root
  std::string found_by;   // "RPATH of /a/b.so", "LD_LIBRARY_PATH", "RUNPATH of …", "ld.so.cache",
                          // "default directory", "path in /a/b.so"
};

// A found library, open.
struct OpenedLibrary {
  FoundLibrary found;
  base::FileSource::Id id;
  elf::ElfFile elf;  // owns the descriptor that it is read through
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

  // What only a whole closure knows; may be left out.
  struct Loader {
    std::string path;
    std::string rpath;  // as in the file: $ORIGIN is this loader's directory
  };
  std::vector<Loader> loaders = {};     // who asked for the requester, and so on; nearest first
  std::string program = {};             // $ORIGIN in LD_LIBRARY_PATH; empty: the requester
  bool has_runpath = false;             // DT_RUNPATH is there, if only as ""
  bool no_default_directories = false;  // DF_1_NODEFLIB
};

class LibrarySearch {
 public:
  // `environment` is that of the command: LD_LIBRARY_PATH is read from it. The cache
  // file, which directories exist and what was opened are looked up on first use and kept.
  LibrarySearch(const base::RootFs& fs, const std::map<std::string, std::string>& environment);

  // An error with code ENOENT if the loader would not find `soname`; with ENOEXEC or
  // another code if it finds a file that it cannot read and gives up there; kOwnLimit
  // after kMaxLooks. Candidates of another ELF class or machine than `machine` are passed
  // over, as the loader does. A `soname` with a slash is a path.
  Result<FoundLibrary> find(const std::string& soname, const Requester& requester,
                            const std::string& machine) const;
  // The same, and the file is kept open.
  Result<OpenedLibrary> open(const std::string& soname, const Requester& requester,
                             const std::string& machine) const;

  // Every file that the loader would take if those before it were not there, in the order
  // of the search, each file once. Files that would end a search are left out.
  std::vector<FoundLibrary> candidates(const std::string& soname, const Requester& requester,
                                       const std::string& machine) const;

  // The path that ld.so.cache gives for that name on this machine's CPU: of its entries that in the
  // best hwcaps directory, the first in the file among equals. Null if it has none.
  const CacheEntry* in_cache(const std::string& soname, const std::string& machine) const;

  // A library that is open already, for the searches that come to `path`.
  void keep(const std::string& path, const base::FileSource& file, const elf::ElfFile& elf) const;

  // The symbol tables of an open file, read once for all who ask.
  elf::SymbolTable& symbols_of(const elf::ElfFile& elf) const;

  // Bytes of these in memory. An interpreter with torch and its libraries: 8 MB.
  static constexpr std::uint64_t kMaxTables = 512ULL * 1024 * 1024;

  // Why the cache could not be used; empty if it was read or does not exist.
  const std::string& cache_problem() const { return cache_problem_; }

  // Directories and files that all searches together may look at: a hostile image has
  // search paths of any length. The largest seen: 3,000.
  static constexpr std::uint64_t kMaxLooks = 1'000'000;

 private:
  class Walk;

  // A directory that is searched, and what has been learnt of it.
  struct Place {
    std::string path;
    // Which subdirectories of glibc-hwcaps it has, and "" for itself; empty if it does not exist.
    std::vector<std::string> parts;
    bool asked = false;
    bool listed = false;  // or cannot be
    bool has_entries = false;
    std::vector<base::DirectoryEntry> entries;
    std::optional<base::Directory> directory;  // only of the first kMaxOpen that were listed
  };
  enum class Entry { kAbsent, kFile, kUnknown };

  const std::vector<CacheEntry>& cache() const;
  const LoaderPlatform& platform(const std::string& machine) const;
  Place& place(std::string directory, const LoaderPlatform& platform) const;
  // The directories of a list whose elements are separated by any of `separators`; an empty
  // element is the working directory, which is taken to be "/". `origin`: for $ORIGIN.
  const std::vector<Place*>& places_of(std::string_view paths, std::string_view separators,
                                       std::string_view origin,
                                       const LoaderPlatform& platform) const;
  // kFile: a regular file, and place.directory is open. A directory that is asked twice is
  // listed, which costs less than to try and fail.
  Entry entry_in(Place& place, const std::string& name) const;
  // Opened by its path without symlinks; nothing of the later ones.
  const std::optional<base::Directory>& real_directory(const std::string& path) const;
  // RootFs::resolve, of which many share a directory; `path` itself if that fails.
  std::string real_path_of(const std::string& path) const;

  const base::RootFs& fs_;
  std::string library_path_;
  mutable bool cache_read_ = false;
  mutable bool cache_exists_ = false;
  mutable std::vector<CacheEntry> cache_;
  using HashedEntry = std::pair<std::size_t, std::size_t>;  // of the soname; index in cache_
  mutable std::vector<HashedEntry> by_soname_;              // sorted
  mutable std::string cache_problem_;
  mutable int cache_code_ = 0;  // Error::code of that
  mutable std::shared_ptr<const LoaderPlatform> platform_;
  mutable std::unordered_map<std::string, Place> places_;
  mutable std::unordered_map<std::string, std::vector<Place*>> lists_;
  mutable std::size_t open_places_ = 0;
  mutable std::unordered_map<std::string, std::optional<base::Directory>> real_directories_;
  mutable std::unordered_map<std::string, OpenedLibrary> opened_;  // by path
  mutable std::unordered_map<const base::ByteSource*, elf::SymbolTable> tables_;
  std::shared_ptr<std::uint64_t> tables_budget_ = std::make_shared<std::uint64_t>(kMaxTables);
  mutable std::uint64_t looks_ = 0;

  // Descriptors that are kept for another look, beside those of a closure.
  static constexpr std::size_t kMaxOpen = 64;     // directories of each kind
  static constexpr std::size_t kMaxOpened = 400;  // libraries; most are objects of the closure
};

}  // namespace gpuinit::ldso
