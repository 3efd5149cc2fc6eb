// The walk itself; what a loader was compiled with is in loader_rules.cpp.
#include "binary/library_search.h"

#include <cerrno>
#include <string_view>

#include "base/text.h"
#include "binary/elf_file.h"
#include "binary/loader_rules.h"

namespace gpuinit::binary {

namespace {

constexpr const char* kCachePath = "/etc/ld.so.cache";
// One look for one soname.
class Look {
 public:
  Look(const base::RootFs& fs, const std::string& soname, const std::string& machine,
       const std::string& requester)
      : fs_(fs),
        soname_(soname),
        machine_(machine),
        hwcaps_(supported_hwcaps(machine)),
        loader_(loader_paths(fs, machine)),
        origin_(base::parent(requester)) {}

  // True if the loader would take `path`. An error for a file on which it stops
  // the search and fails: it is there, but cannot be read as ELF.
  Result<bool> takes(const std::string& path) const {
    auto file = fs_.open_file(path);
    if (!file) {
      // Source: open_path in glibc's elf/dl-load.c.
      const int code = file.error().code;
      if (code == ENOENT || code == ENOTDIR || code == EACCES || code == ELOOP) return false;
      return std::move(file).error();
    }
    auto elf = ElfFile::open(*file);
    if (!elf) {
      unsigned char ident[5] = {};
      const bool other_class = file->size() > sizeof ident &&
                               file->read_at(0, std::as_writable_bytes(std::span(ident))).ok() &&
                               ident[0] == 0x7f && ident[1] == 'E' && ident[2] == 'L' &&
                               ident[3] == 'F' && ident[4] == 1;
      if (other_class) return false;
      Error error = std::move(elf).error();
      error.code = ENOEXEC;
      return error;
    }
    return elf->machine() == machine_;
  }

  // `paths` separated by any of `separators`; an empty element is the working
  // directory, which is taken to be "/".
  Result<bool> in_paths(std::string_view paths, std::string_view separators,
                        FoundLibrary& found) const {
    if (paths.empty()) return false;
    for (;;) {
      const auto end = paths.find_first_of(separators);
      const std::string directory = expand(paths.substr(0, end));
      auto hit = in_directory(base::join("/", directory), found);
      if (!hit || *hit) return hit;
      if (end == std::string_view::npos) return false;
      paths.remove_prefix(end + 1);
    }
  }

  Result<bool> in_directory(const std::string& directory, FoundLibrary& found) const {
    if (!fs_.is_directory(directory)) return false;
    for (const std::string& name : hwcaps_) {
      auto hit = at(base::join(directory, "glibc-hwcaps/" + name + "/" + soname_), found);
      if (!hit || *hit) return hit;
    }
    return at(base::join(directory, soname_), found);
  }

  Result<bool> at(const std::string& path, FoundLibrary& found) const {
    auto hit = takes(path);
    if (!hit || !*hit) return hit;
    found.path = path;
    found.real_path = fs_.resolve(path).value_or(path);
    return true;
  }

  // The best of the cache's entries: a hwcaps directory that this CPU supports
  // before the plain one, the first in the file among equals.
  const CacheEntry* in_cache(const std::vector<CacheEntry>& cache) const {
    const CacheEntry* best = nullptr;
    std::size_t best_rank = hwcaps_.size() + 1;
    for (const CacheEntry& entry : cache) {
      if (!entry.native || entry.soname != soname_) continue;
      std::size_t rank = hwcaps_.size();
      if (entry.hwcaps) {
        const std::string_view name = hwcaps_of(entry.path);
        for (rank = 0; rank < hwcaps_.size() && hwcaps_[rank] != name; ++rank) {
        }
        if (rank == hwcaps_.size()) continue;  // not for this CPU
      }
      if (rank >= best_rank) continue;
      best = &entry;
      best_rank = rank;
    }
    return best;
  }

  const std::vector<std::string>& default_directories() const { return loader_.directories; }

  std::string expand(std::string_view text) const {
    return expand_tokens(text, origin_, loader_.lib, machine_);
  }

 private:
  const base::RootFs& fs_;
  const std::string& soname_;
  const std::string& machine_;
  std::vector<std::string> hwcaps_;
  LoaderPaths loader_;
  std::string origin_;
};

}  // namespace

LibrarySearch::LibrarySearch(const base::RootFs& fs,
                             const std::map<std::string, std::string>& environment)
    : fs_(fs) {
  const auto path = environment.find("LD_LIBRARY_PATH");
  if (path != environment.end()) library_path_ = path->second;
}

const std::string& LibrarySearch::cache_problem() const { return cache_problem_; }

const std::vector<CacheEntry>& LibrarySearch::cache() const {
  if (cache_read_) return cache_;
  cache_read_ = true;
  auto file = fs_.open_file(kCachePath);
  if (!file) {
    cache_exists_ = file.error().code != ENOENT;
    if (cache_exists_) cache_problem_ = file.error().message;
    return cache_;
  }
  cache_exists_ = true;
  auto entries = read_ld_so_cache(*file);
  if (!entries) {
    cache_problem_ = entries.error().message;
    return cache_;
  }
  cache_ = std::move(entries).value();
  return cache_;
}

Result<FoundLibrary> LibrarySearch::find(const std::string& soname, const Requester& requester,
                                         const std::string& machine) const {
  const Look look(fs_, soname, machine, requester.path);
  FoundLibrary found;
  const auto by = [&](std::string where) {
    found.found_by = std::move(where);
    return found;
  };

  if (soname.find('/') != std::string::npos) {
    auto hit = look.at(base::join("/", look.expand(soname)), found);
    if (!hit) return std::move(hit).error();
    if (*hit) return by("path in " + requester.path);
    return Error{soname + " is not there", ENOENT};
  }

  if (requester.runpath.empty()) {
    auto hit = look.in_paths(requester.rpath, ":", found);
    if (!hit) return std::move(hit).error();
    if (*hit) return by("RPATH of " + requester.path);
  }
  auto hit = look.in_paths(library_path_, ":;", found);
  if (!hit) return std::move(hit).error();
  if (*hit) return by("LD_LIBRARY_PATH");

  hit = look.in_paths(requester.runpath, ":", found);
  if (!hit) return std::move(hit).error();
  if (*hit) return by("RUNPATH of " + requester.path);

  if (const CacheEntry* entry = look.in_cache(cache())) {
    hit = look.at(entry->path, found);
    if (!hit) return std::move(hit).error();
    if (*hit) return by("ld.so.cache");
  }
  for (const std::string& directory : look.default_directories()) {
    hit = look.in_directory(directory, found);
    if (!hit) return std::move(hit).error();
    if (*hit) return by("default directory");
  }

  std::string where = "no directory that the loader searches has " + soname;
  if (!cache_problem_.empty()) {
    where += " (ld.so.cache could not be read: " + cache_problem_ + ")";
  } else if (!cache_exists_) {
    where += " (there is no /etc/ld.so.cache)";
  }
  return Error{where, ENOENT};
}

}  // namespace gpuinit::binary
