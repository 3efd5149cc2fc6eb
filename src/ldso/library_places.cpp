// What all searches share, looked up once: the cache file, the platform, which directories
// there are.
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

const LoaderPlatform& LibrarySearch::platform(const std::string& machine) const {
  if (!platform_ || platform_->machine != machine) {
    platform_ = std::make_shared<const LoaderPlatform>(
        LoaderPlatform{machine, supported_hwcaps(machine), loader_paths(fs_, machine)});
    places_.clear();
  }
  return *platform_;
}

const std::vector<std::string>& LibrarySearch::places_in(const std::string& directory,
                                                         const LoaderPlatform& platform) const {
  const auto known = places_.find(directory);
  if (known != places_.end()) return known->second;
  std::vector<std::string> places;
  // Who keeps a log wants to know each name that was looked for, in a directory too that comes
  // later.
  if (fs_.log() != nullptr || fs_.is_directory(directory)) {
    if (!platform.hwcaps.empty() && fs_.is_directory(base::join(directory, "glibc-hwcaps")))
      for (const std::string& name : platform.hwcaps)
        places.push_back("glibc-hwcaps/" + name + "/");
    places.emplace_back();
  }
  return places_.emplace(directory, std::move(places)).first->second;
}

std::string LibrarySearch::real_path_of(const std::string& path) const {
  const std::string directory(base::parent(path));
  auto known = real_directories_.find(directory);
  if (known == real_directories_.end())
    known = real_directories_.emplace(directory, fs_.resolve(directory).value_or("")).first;
  if (known->second.empty()) return fs_.resolve(path).value_or(path);
  std::string real = base::join(known->second, base::basename(path));
  // "libz.so.1" is most often a link to a name in the same directory.
  for (int links = 0; links < 8; ++links) {
    auto target = fs_.read_link_at(real);
    if (!target) return real;  // no link
    if (target->find('/') != std::string::npos || *target == "." || *target == "..") break;
    real = base::join(known->second, *target);
  }
  return fs_.resolve(path).value_or(path);
}

bool LibrarySearch::may_have(const std::string& directory, const std::string& name) const {
  if (fs_.log() != nullptr) return true;
  constexpr int kAskedOften = 3;
  Listing& listing = listings_[directory];
  if (listing.asked < kAskedOften) return ++listing.asked, true;
  if (listing.asked == kAskedOften) {
    ++listing.asked;
    // A directory that may be searched but not read stays one that may have everything.
    if (auto names = fs_.list(directory)) {
      listing.listed = true;
      listing.names.insert(names->begin(), names->end());
    }
  }
  return !listing.listed || listing.names.contains(name);
}

}  // namespace gpuinit::ldso
