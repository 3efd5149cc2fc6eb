// The walk itself; what a loader was compiled with is in loader_rules.cpp, what lies where is
// kept in library_places.cpp.
// Source: glibc, elf/dl-load.c (_dl_map_object, open_path, open_verify).
#include "ldso/library_search.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "ldso/loader_rules.h"

namespace gpuinit::ldso {

namespace {

// A walk through the header of a 1 GB library must not read ahead.
constexpr std::uint64_t kLargeFile = 16ULL * 1024 * 1024;  // bytes

// A file that could be read and is no library for the loader.
Error no_library(Error why) {
  if (!is_unread(why.code)) why.code = ENOEXEC;
  return why;
}

// The first bytes of a 32-bit ELF file: passed over, whatever follows.
bool is_other_class(const base::ByteSource& file) {
  unsigned char ident[5] = {};
  return file.size() > sizeof ident &&
         file.read_at(0, std::as_writable_bytes(std::span(ident))).ok() && ident[0] == 0x7f &&
         ident[1] == 'E' && ident[2] == 'L' && ident[3] == 'F' && ident[4] == 1;
}

}  // namespace

// One look for one soname; stops at the first hit unless it wants them all.
class LibrarySearch::Walk {
 public:
  Walk(const LibrarySearch& search, const std::string& soname, const Requester& requester,
       const std::string& machine, bool all)
      : search_(search),
        soname_(soname),
        requester_(requester),
        platform_(search.platform(machine)),
        all_(all) {}

  std::vector<OpenedLibrary> hits;
  std::optional<Error> error;

  void go() {
    if (soname_.find('$') != std::string::npos) soname_ = expand(soname_, requester_.path);
    if (soname_.find('/') != std::string::npos) {
      try_file(base::join("/", soname_), "path in " + requester_.path);
      return;
    }
    if (requester_.runpath.empty() && !requester_.has_runpath) {
      if (in_paths(requester_.rpath, ":", requester_.path, "RPATH of ")) return;
      for (const auto& loader : requester_.loaders)
        if (in_paths(loader.rpath, ":", loader.path, "RPATH of ")) return;
    }
    const auto& program = requester_.program.empty() ? requester_.path : requester_.program;
    if (in_paths(search_.library_path_, ":;", program, "LD_LIBRARY_PATH")) return;
    if (in_paths(requester_.runpath, ":", requester_.path, "RUNPATH of ")) return;
    if (in_cache()) return;
    if (requester_.no_default_directories) return;
    for (const std::string& directory : platform_.loader.directories) {
      const Tried tried = in_place(search_.place(directory, platform_), "default directory");
      if (tried == Tried::kStop) return;
      if (tried == Tried::kEndOfList) break;
    }
  }

 private:
  enum class Tried {
    kNext,       // not there, or for another machine
    kEndOfList,  // the loader leaves this list of directories and goes on with the next list
    kStop,       // found, or the loader gives up
  };

  // True: the search is over. `kind` is the rule; "… of " goes on with the object at `origin`.
  bool in_paths(std::string_view paths, std::string_view separators, const std::string& origin,
                std::string_view kind) {
    if (paths.empty()) return false;
    std::string rule(kind);
    if (rule.ends_with(' ')) rule += origin;
    for (Place* place : search_.places_of(paths, separators, base::parent(origin), platform_)) {
      const Tried tried = in_place(*place, rule);
      if (tried != Tried::kNext) return tried == Tried::kStop;
    }
    return false;
  }

  Tried in_place(Place& place, const std::string& rule) {
    if (!may_look()) return Tried::kStop;
    for (const std::string& part : place.parts) {
      const Entry entry = part.empty() ? search_.entry_in(place, soname_) : Entry::kUnknown;
      if (entry == Entry::kAbsent) continue;
      const Tried tried = try_file(base::join(place.path, part + soname_), rule,
                                   entry == Entry::kFile ? &place : nullptr);
      if (tried != Tried::kNext) return tried;
    }
    return Tried::kNext;
  }

  bool in_cache() {
    const CacheEntry* best = search_.in_cache(soname_, platform_.machine);
    if (best == nullptr) return false;
    if (requester_.no_default_directories)
      for (const std::string& directory : platform_.loader.directories)
        if (best->path.starts_with(directory + "/")) return false;
    return try_file(best->path, "ld.so.cache") == Tried::kStop;
  }

  // `listed`: a place that has it as a regular file; null: what it is has to be looked at.
  Tried try_file(const std::string& path, const std::string& rule, const Place* listed = nullptr) {
    if (!may_look()) return Tried::kStop;
    if (const auto known = search_.opened_.find(path); known != search_.opened_.end())
      return known->second.elf.machine() == platform_.machine ? hit(known->second, rule)
                                                              : Tried::kNext;
    auto opened =
        listed != nullptr ? listed->directory->open_file(soname_) : search_.fs_.open_file(path);
    if (!opened) {
      const int code = opened.error().code;
      if (code == ENOENT || code == ENOTDIR || code == EACCES) return Tried::kNext;
      if (code == ELOOP || code == ENAMETOOLONG) return all_ ? Tried::kNext : Tried::kEndOfList;
      return give_up(std::move(opened).error());
    }
    const auto file = std::make_shared<const base::FileSource>(std::move(opened).value());
    if (file->size() > kLargeFile) file->expect_random_access();
    auto elf = elf::ElfFile::open(file);
    if (!elf) {
      if (is_other_class(*file)) return Tried::kNext;
      return give_up(no_library(std::move(elf).error()));
    }
    if (elf->machine() != platform_.machine) return Tried::kNext;
    const OpenedLibrary library{
        {path, search_.real_path_of(path), ""}, file->id(), std::move(elf).value()};
    // Of all candidates most are never asked for again.
    if (!all_ && search_.opened_.size() < kMaxOpened) search_.opened_.emplace(path, library);
    return hit(library, rule);
  }

  Tried hit(OpenedLibrary library, const std::string& rule) {
    library.found.found_by = rule;
    hits.push_back(std::move(library));
    return all_ ? Tried::kNext : Tried::kStop;
  }

  Tried give_up(Error why) {
    if (all_) return Tried::kNext;
    error = std::move(why);
    return Tried::kStop;
  }

  bool may_look() {
    if (++search_.looks_ <= kMaxLooks) return true;
    error = limit_error(requester_.path, "the search for libraries looked at " +
                                             std::to_string(kMaxLooks) + " places and was ended");
    return false;
  }

  std::string expand(std::string_view text, const std::string& object) const {
    return expand_tokens(text, base::parent(object), platform_.loader.lib, platform_.machine);
  }

  const LibrarySearch& search_;
  std::string soname_;
  const Requester& requester_;
  const LoaderPlatform& platform_;
  const bool all_;
};

const CacheEntry* LibrarySearch::in_cache(const std::string& soname,
                                          const std::string& machine) const {
  const auto& hwcaps = platform(machine).hwcaps;
  const CacheEntry* best = nullptr;
  std::size_t best_rank = hwcaps.size() + 1;
  const std::size_t hash = std::hash<std::string>()(soname);
  const auto& entries = cache();
  for (auto at = std::ranges::lower_bound(by_soname_, hash, {}, &HashedEntry::first);
       at != by_soname_.end() && at->first == hash; ++at) {
    const CacheEntry& entry = entries[at->second];
    if (!entry.native || entry.soname != soname) continue;
    std::size_t rank = hwcaps.size();
    if (entry.hwcaps) {
      const auto found = std::find(hwcaps.begin(), hwcaps.end(), hwcaps_of(entry.path));
      if (found == hwcaps.end()) continue;  // not for this CPU
      rank = static_cast<std::size_t>(found - hwcaps.begin());
    }
    if (rank >= best_rank) continue;
    best = &entry;
    best_rank = rank;
  }
  if (base::ReadLog* log = fs_.log())
    log->library_cache.emplace(soname, best == nullptr ? std::string() : best->path);
  return best;
}

Result<OpenedLibrary> LibrarySearch::open(const std::string& soname, const Requester& requester,
                                          const std::string& machine) const {
  Walk walk(*this, soname, requester, machine, false);
  walk.go();
  if (walk.error) return *std::move(walk.error);
  if (!walk.hits.empty()) return std::move(walk.hits.front());
  if (soname.find('/') != std::string::npos) return Error{soname + " is not there", ENOENT};
  std::string where = "no directory that the loader searches has " + soname;
  if (!cache_problem_.empty()) {
    where += " (ld.so.cache could not be read: " + cache_problem_ + ")";
  } else if (!cache_exists_) {
    where += " (there is no /etc/ld.so.cache)";
  }
  return Error{where, is_unread(cache_code_) ? cache_code_ : ENOENT};
}

Result<FoundLibrary> LibrarySearch::find(const std::string& soname, const Requester& requester,
                                         const std::string& machine) const {
  auto opened = open(soname, requester, machine);
  if (!opened) return std::move(opened).error();
  return std::move(opened->found);
}

std::vector<FoundLibrary> LibrarySearch::candidates(const std::string& soname,
                                                    const Requester& requester,
                                                    const std::string& machine) const {
  Walk walk(*this, soname, requester, machine, true);
  walk.go();
  std::vector<FoundLibrary> found;
  for (OpenedLibrary& hit : walk.hits)
    if (std::none_of(found.begin(), found.end(), [&](const FoundLibrary& before) {
          return before.real_path == hit.found.real_path;
        }))
      found.push_back(std::move(hit.found));
  return found;
}

}  // namespace gpuinit::ldso
