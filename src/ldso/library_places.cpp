// What all searches share, looked up once: the cache file, the platform, which directories
// there are.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "ldso/library_search.h"
#include "ldso/loader_rules.h"

namespace gpuinit::ldso {

namespace {

constexpr const char* kCachePath = "/etc/ld.so.cache";

}  // namespace

LibrarySearch::LibrarySearch(const base::RootFs& fs,
                             const std::map<std::string, std::string>& environment)
    : fs_(fs) {
  const auto path = environment.find("LD_LIBRARY_PATH");
  if (path != environment.end()) library_path_ = path->second;
}

const std::vector<CacheEntry>& LibrarySearch::cache() const {
  if (cache_read_) return cache_;
  cache_read_ = true;
  auto file = fs_.open_file(kCachePath);
  if (!file) {
    cache_exists_ = file.error().code != ENOENT;
    if (cache_exists_) {
      cache_problem_ = file.error().message;
      cache_code_ = file.error().code;
    }
    return cache_;
  }
  cache_exists_ = true;
  auto entries = read_ld_so_cache(*file);
  if (!entries) {
    cache_problem_ = entries.error().message;
    cache_code_ = entries.error().code;
    return cache_;
  }
  cache_ = std::move(entries).value();
  for (std::size_t i = 0; i < cache_.size(); ++i)
    by_soname_.emplace_back(std::hash<std::string>()(cache_[i].soname), i);
  std::sort(by_soname_.begin(), by_soname_.end());
  return cache_;
}

const LoaderPlatform& LibrarySearch::platform(const std::string& machine) const {
  if (!platform_ || platform_->machine != machine) {
    platform_ = std::make_shared<const LoaderPlatform>(
        LoaderPlatform{machine, supported_hwcaps(machine), loader_paths(fs_, machine)});
    lists_.clear();
    places_.clear();
    open_places_ = 0;
  }
  return *platform_;
}

LibrarySearch::Place& LibrarySearch::place(std::string directory,
                                           const LoaderPlatform& platform) const {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  if (!directory.starts_with('/')) directory.insert(0, "/");
  const auto [known, is_new] = places_.try_emplace(directory);
  Place& place = known->second;
  if (!is_new) return place;
  // Who keeps a log wants to know each name that was looked for, in a directory too that comes
  // later.
  if (fs_.log() != nullptr || fs_.is_directory(directory)) {
    if (!platform.hwcaps.empty() && fs_.is_directory(base::join(directory, "glibc-hwcaps")))
      for (const std::string& name : platform.hwcaps)
        place.parts.push_back("glibc-hwcaps/" + name + "/");
    place.parts.emplace_back();
  }
  place.path = std::move(directory);
  return place;
}

const std::vector<LibrarySearch::Place*>& LibrarySearch::places_of(
    std::string_view paths, std::string_view separators, std::string_view origin,
    const LoaderPlatform& platform) const {
  std::string key(paths);
  key.append(1, '\0').append(separators).append(1, '\0').append(origin);
  const auto [known, is_new] = lists_.try_emplace(std::move(key));
  if (!is_new || paths.empty()) return known->second;
  for (;;) {
    const auto end = paths.find_first_of(separators);
    known->second.push_back(
        &place(expand_tokens(paths.substr(0, end), origin, platform.loader.lib, platform.machine),
               platform));
    if (end == std::string_view::npos) return known->second;
    paths.remove_prefix(end + 1);
  }
}

const std::optional<base::Directory>& LibrarySearch::real_directory(const std::string& path) const {
  const auto [known, is_new] = real_directories_.try_emplace(path);
  if (!is_new || real_directories_.size() > kMaxOpen) return known->second;
  auto opened = base::Directory::open_exact(fs_, path);
  if (!opened && opened.error().code == ELOOP)
    if (const auto real = fs_.resolve(path)) opened = base::Directory::open_exact(fs_, *real);
  if (opened) known->second = std::move(opened).value();
  return known->second;
}

std::string LibrarySearch::real_path_of(const std::string& path) const {
  std::string name(base::basename(path));
  // "libz.so.1" is most often a link to a name in the same directory.
  if (const auto& directory = real_directory(std::string(base::parent(path)))) {
    for (int links = 0; links < 8; ++links) {
      auto target = directory->read_link(name);
      if (!target) return base::join(base::normalize(directory->path()), name);  // no link
      if (target->find('/') != std::string::npos || *target == "." || *target == "..") break;
      name = std::move(target).value();
    }
  }
  return fs_.resolve(path).value_or(path);
}

LibrarySearch::Entry LibrarySearch::entry_in(Place& place, const std::string& name) const {
  if (fs_.log() != nullptr || !std::exchange(place.asked, true)) return Entry::kUnknown;
  if (!place.listed) {
    place.listed = true;
    // One that may be searched but not read stays one that may have everything.
    auto directory = base::Directory::open(fs_, place.path);
    auto entries = directory ? directory->entries()
                             : Result<std::vector<base::DirectoryEntry>>(directory.error());
    if (!entries) return Entry::kUnknown;
    place.entries = std::move(entries).value();
    place.has_entries = true;
    if (open_places_ < kMaxOpen) {
      ++open_places_;
      place.directory = std::move(directory).value();
    }
  }
  if (!place.has_entries) return Entry::kUnknown;
  const auto found =
      std::lower_bound(place.entries.begin(), place.entries.end(), name,
                       [](const auto& entry, const std::string& it) { return entry.name < it; });
  if (found == place.entries.end() || found->name != name) return Entry::kAbsent;
  const bool file = found->kind == base::DirectoryEntry::Kind::kFile && place.directory;
  return file ? Entry::kFile : Entry::kUnknown;
}

void LibrarySearch::keep(const std::string& path, const base::FileSource& file,
                         const elf::ElfFile& elf) const {
  if (opened_.size() < kMaxOpened)
    opened_.emplace(path, OpenedLibrary{{path, real_path_of(path), ""}, file.id(), elf});
}

elf::SymbolTable& LibrarySearch::symbols_of(const elf::ElfFile& elf) const {
  // The table holds on to the file, so that no other gets this address.
  return tables_.try_emplace(&elf.source(), elf, tables_budget_).first->second;
}

}  // namespace gpuinit::ldso
