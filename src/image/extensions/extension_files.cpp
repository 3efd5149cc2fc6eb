#include "image/extensions/extension_files.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string_view>

#include "base/directory.h"
#include "image/glob.h"
#include "image/packages/core_metadata.h"

namespace gpuinit::image {

namespace {

using Kind = base::DirectoryEntry::Kind;

constexpr std::size_t kMaxRecord = 8ULL * 1024 * 1024;
constexpr std::size_t kRecordEnds = 4096;  // top-level names are taken from both ends
constexpr std::string_view kSuffix = ".so";

// Sorted.
constexpr std::array<std::string_view, 32> kNotLookedInto{
    "PIL",         "__pycache__", "aiohttp",       "cryptography", "functorch", "grpc",
    "h5py",        "lxml",        "matplotlib",    "numba",        "numpy",     "nvidia",
    "pandas",      "pip",         "polars",        "psycopg2",     "pyarrow",   "pydantic_core",
    "scipy",       "setuptools",  "shapely",       "skimage",      "sklearn",   "sqlalchemy",
    "statsmodels", "sympy",       "tensorrt_libs", "torch",        "torchgen",  "triton",
    "uvloop",      "yarl"};

bool is_looked_into(std::string_view name) {
  return !std::binary_search(kNotLookedInto.begin(), kNotLookedInto.end(), name) &&
         !name.ends_with(".libs") && !name.ends_with("-info") && !name.ends_with(".data") &&
         !name.starts_with('.') && !name.starts_with('~');
}

std::string_view first_part(std::string_view path) { return path.substr(0, path.find('/')); }

class Finder {
 public:
  Finder(const base::RootFs& fs, const ExtensionScope& scope, std::vector<ExtensionFile>& found)
      : fs_(fs), scope_(scope), found_(found) {}

  void look_into(const std::string& entry) {
    entry_ = entry;
    owned_.clear();
    paths_.clear();
    auto site = base::Directory::open(fs_, entry);
    if (!site) return;
    auto entries = site->entries();
    if (!entries) return;
    for (const base::DirectoryEntry& one : *entries)
      if (one.name.ends_with(".dist-info") && one.kind == Kind::kDirectory &&
          is_looked_into(one.name.substr(0, one.name.find('-'))) &&
          !one.name.starts_with("nvidia_"))
        read_record(*site, one);
    for (const base::DirectoryEntry& one : *entries) {
      if (one.name.ends_with(kSuffix)) paths_.insert(one.name);
      const bool directory = one.kind == Kind::kDirectory || one.kind == Kind::kLink;
      if (directory && is_looked_into(one.name) && !owned_.contains(one.name))
        walk(*site, one.name, one.name, 1);
    }
    for (const std::string& path : paths_) add(path);
  }

 private:
  // Every library that a RECORD lists, and which directories it speaks for.
  void read_record(const base::Directory& site, const base::DirectoryEntry& dist_info) {
    auto record = site.read_head(dist_info.name + "/RECORD", kMaxRecord);
    if (!record) return;
    const auto own = [&](std::string_view path) {
      if (path.find('/') != std::string_view::npos) owned_.emplace(first_part(path));
    };
    const std::string_view text = *record;
    each_recorded_path(text.substr(0, kRecordEnds), own);
    if (text.size() > kRecordEnds) {
      std::string_view tail = text.substr(text.size() - kRecordEnds);
      tail.remove_prefix(std::min(tail.find('\n'), tail.size()));
      each_recorded_path(tail, own);
    }
    // Of thousands of lines few are libraries: search, do not split.
    constexpr std::string_view kMark = ".so,";
    std::string_view ahead = text;
    while (const void* hit = ::memmem(ahead.data(), ahead.size(), kMark.data(), kMark.size())) {
      const auto end = static_cast<std::size_t>(static_cast<const char*>(hit) - ahead.data());
      const std::string_view before = ahead.substr(0, end + kSuffix.size());
      const auto newline = before.rfind('\n');
      const std::string_view path =
          before.substr(newline == std::string_view::npos ? 0 : newline + 1);
      if (!path.starts_with('.') && !path.starts_with('/') && !path.starts_with('"') &&
          is_looked_into(first_part(path)))
        paths_.emplace(path);
      ahead.remove_prefix(end + kMark.size());
    }
  }

  void walk(const base::Directory& parent, const std::string& name, const std::string& relative,
            int depth) {
    if (walked_ >= kMaxWalkedDirectories) return;
    ++walked_;
    auto directory = parent.open_directory(name);
    if (!directory) return;
    auto entries = directory->entries();
    if (!entries) return;
    for (const base::DirectoryEntry& one : *entries) {
      const std::string below = relative + "/" + one.name;
      if (one.name.ends_with(kSuffix) && one.kind != Kind::kDirectory) {
        paths_.insert(below);
      } else if (one.kind == Kind::kDirectory && depth < kMaxExtensionDepth &&
                 one.name != "__pycache__" && one.name != "include" && !one.name.starts_with('.')) {
        walk(*directory, one.name, below, depth + 1);
      }
    }
  }

  bool matches(const std::vector<std::string>& patterns, const std::string& path) const {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return matches_glob(pattern, path); });
  }

  void add(const std::string& path) {
    if (found_.size() >= kMaxExtensionFiles || matches(scope_.exclude, path)) return;
    found_.push_back({entry_, path, matches(scope_.include, path)});
  }

  const base::RootFs& fs_;
  const ExtensionScope& scope_;
  std::vector<ExtensionFile>& found_;
  std::string entry_;
  std::set<std::string> owned_;  // directories that a RECORD speaks for
  std::set<std::string> paths_;
  std::size_t walked_ = 0;
};

// A directory of packages, not a working directory that may hold anything.
bool is_site_directory(const std::string& entry) {
  const std::string_view name = base::basename(entry);
  return name == "site-packages" || name == "dist-packages";
}

}  // namespace

std::vector<ExtensionFile> find_extension_files(const base::RootFs& fs,
                                                const std::vector<std::string>& sys_path,
                                                const ExtensionScope& scope) {
  std::vector<ExtensionFile> found;
  Finder finder(fs, scope, found);
  std::set<std::string> seen;
  for (const std::string& entry : sys_path)
    if (is_site_directory(entry) && seen.insert(entry).second) finder.look_into(entry);
  return found;
}

}  // namespace gpuinit::image
