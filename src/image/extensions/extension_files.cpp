#include "image/extensions/extension_files.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/directory.h"
#include "base/find_text.h"
#include "base/glob.h"
#include "base/python_name.h"
#include "base/text.h"
#include "image/packages/core_metadata.h"

namespace gpuinit::image {

namespace {

using Kind = base::DirectoryEntry::Kind;

constexpr std::size_t kMaxRecord = 8ULL * 1024 * 1024;
constexpr std::size_t kRecordEnds = 4096;  // top-level names are taken from both ends
constexpr std::size_t kPiece = 64ULL * 1024;
constexpr std::size_t kMaxContested = 400;
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

// What NVIDIA's wheels for several CUDAs have in common: "nvidia_nccl" of
// "nvidia_nccl_cu12-2.27.3.dist-info". Such two may own one directory.
std::string_view nvidia_stem(std::string_view dist_info) {
  std::string_view name = dist_info.substr(0, dist_info.find('-'));
  if (const auto cuda = name.rfind("_cu"); cuda + 5 == name.size()) name = name.substr(0, cuda);
  return name;
}

// What a RECORD says of a file.
struct Recorded {
  const base::DirectoryEntry* owner = nullptr;  // the .dist-info; null: no RECORD names it
  std::uint64_t hash = 0;                       // of its digits the first eight; 0: it has none
  std::uint64_t size = 0;
};

// `line`: what follows the path, "sha256=2jmj7l5rSw0yVb…,123".
Recorded parse_recorded(const base::DirectoryEntry* owner, std::string_view line) {
  constexpr std::size_t kAlgorithm = 7;
  Recorded recorded{owner, 0, 0};
  line = line.substr(0, line.find('\n'));
  const auto comma = line.find(',');
  if (comma == std::string_view::npos || comma < kAlgorithm + sizeof recorded.hash) return recorded;
  std::memcpy(&recorded.hash, line.data() + kAlgorithm, sizeof recorded.hash);
  recorded.size = base::parse_number(base::trim(line.substr(comma + 1))).value_or(0);
  return recorded;
}

class Finder {
 public:
  Finder(const base::RootFs& fs, const ExtensionScope& scope, FoundFiles& found)
      : fs_(fs), scope_(scope), found_(found.extensions), contested_(found.contested) {}

  // `walks`: directories that no RECORD speaks for are looked into as well.
  void look_into(const std::string& entry, bool walks) {
    entry_ = entry;
    owned_.clear();
    paths_.clear();
    auto site = base::Directory::open(fs_, entry);
    if (!site) return;
    auto entries = site->entries();
    if (!entries) return;
    const base::DirectoryEntry* nvidia = nullptr;  // the one before, of NVIDIA's
    for (const base::DirectoryEntry& one : *entries) {
      if (!one.name.ends_with(".dist-info") || one.kind != Kind::kDirectory) continue;
      mark_ = kSuffix;
      if (!one.name.starts_with("nvidia_")) {
        mark_ = ".so,";
        if (is_looked_into(one.name.substr(0, one.name.find('-')))) read_record(*site, one);
      } else if (const auto* before = std::exchange(nvidia, &one);
                 before != nullptr && nvidia_stem(before->name) == nvidia_stem(one.name)) {
        read_record(*site, *before);
        read_record(*site, one);
      }
    }
    for (const base::DirectoryEntry& one : *entries) {
      if (one.name.ends_with(kSuffix)) paths_.try_emplace(one.name);
      const bool directory = one.kind == Kind::kDirectory || one.kind == Kind::kLink;
      if (walks && directory && is_looked_into(one.name) && !owned_.contains(one.name))
        walk(*site, one.name, one.name, 1);
    }
    for (const auto& [path, recorded] : paths_)
      if (path.ends_with(kSuffix) && !path.starts_with("nvidia/"))
        add(path,
            recorded.owner == nullptr
                ? std::string_view()
                : std::string_view(recorded.owner->name).substr(0, recorded.owner->name.find('-')));
  }

 private:
  // Every library that a RECORD lists, and which directories it speaks for.
  void read_record(const base::Directory& site, const base::DirectoryEntry& dist_info) {
    owner_ = &dist_info;
    const auto directory = site.open_directory(dist_info.name);
    if (!directory) return;
    const auto record = directory->open_file("RECORD");
    if (!record) return;
    const std::uint64_t size = std::min<std::uint64_t>(record->size(), kMaxRecord);
    if (size < record->size()) reached(record->name(), kMaxRecord, "bytes");
    std::size_t kept = 0;  // the line that goes on in the next piece
    for (std::uint64_t done = 0; done < size;) {
      // The last piece is long enough for the names at the end.
      const std::uint64_t length = size - done <= kPiece + kRecordEnds ? size - done : kPiece;
      if (!record->read_at(done, std::as_writable_bytes(std::span(buffer_.get() + kept, length))))
        return;
      done += length;
      const std::string_view window(buffer_.get(), kept + length);
      if (done == length) add_owned(window.substr(0, kRecordEnds));
      if (done == size && size > kRecordEnds) {
        std::string_view tail = window.substr(window.size() - std::min(window.size(), kRecordEnds));
        tail.remove_prefix(std::min(tail.find('\n'), tail.size()));
        add_owned(tail);
      }
      const auto last = window.rfind('\n');
      const std::size_t whole =
          done == size || last == std::string_view::npos ? window.size() : last + 1;
      add_recorded(window.substr(0, whole));
      kept = window.size() - whole;
      if (kept > kRecordEnds) return;  // no line of a RECORD
      std::memmove(buffer_.get(), buffer_.get() + whole, kept);
    }
  }

  void add_owned(std::string_view lines) {
    if (mark_ == kSuffix) return;  // NVIDIA's: not all that share the directory are read
    std::string_view before;
    while (!lines.empty()) {
      const std::string_view path = take_recorded_path(lines);
      const std::string_view first = first_part(path);
      if (first.size() == path.size() || first == before) continue;
      owned_.emplace(first);
      before = first;
    }
  }

  // Of thousands of lines few are libraries: search, do not split.
  void add_recorded(std::string_view lines) {
    const bool nvidia = mark_ == kSuffix;  // "libnccl.so.2", and nothing to be looked at
    for (;;) {
      const auto at = base::find_text(lines, mark_);
      if (at == std::string_view::npos) return;
      const auto end =
          nvidia ? std::min(lines.find(',', at), lines.size() - 1) : at + kSuffix.size();
      std::string_view path = lines.substr(0, end);
      path.remove_prefix(path.rfind('\n') + 1);  // npos + 1 is 0
      if (!path.starts_with('.') && !path.starts_with('/') && !path.starts_with('"') &&
          (nvidia || is_looked_into(first_part(path)))) {
        const Recorded now = parse_recorded(owner_, lines.substr(end + 1));
        const auto [known, is_new] = paths_.try_emplace(std::string(path), now);
        if (!is_new) contest(known->first, known->second, now);
      }
      lines.remove_prefix(end + 1);
    }
  }

  // A path that two RECORDs name. With the same content they do each other no harm.
  void contest(const std::string& relative, const Recorded& first, const Recorded& second) {
    const bool differ = first.hash != second.hash || first.size != second.size;
    if (first.owner == second.owner || first.hash == 0 || second.hash == 0 || !differ) return;
    if (contested_.size() >= kMaxContested)
      return reached(entry_, kMaxContested, "files that two packages own");
    const std::string path = base::join(entry_, relative);
    const auto file = fs_.open_file(path);
    for (const Recorded* one : {&first, &second})
      contested_.push_back(
          {path, base::join(entry_, one->owner->name), file && file->size() == one->size});
  }

  void walk(const base::Directory& parent, const std::string& name, const std::string& relative,
            int depth) {
    if (walked_ >= kMaxWalkedDirectories)
      return reached(entry_, kMaxWalkedDirectories, "directories without a RECORD");
    ++walked_;
    auto directory = parent.open_directory(name);
    if (!directory) return;
    auto entries = directory->entries();
    if (!entries) return;
    for (const base::DirectoryEntry& one : *entries) {
      const std::string below = relative + "/" + one.name;
      if (one.name.ends_with(kSuffix) && one.kind != Kind::kDirectory) {
        paths_.try_emplace(below);
      } else if (one.kind == Kind::kDirectory && depth < kMaxExtensionDepth &&
                 one.name != "__pycache__" && one.name != "include" && !one.name.starts_with('.')) {
        walk(*directory, one.name, below, depth + 1);
      }
    }
  }

  static void reached(const std::string& path, std::size_t limit, const char* what) {
    static_cast<void>(limit_error(path, "more than " + std::to_string(limit) + " " + what));
  }

  void add(const std::string& path, std::string_view distribution) {
    const std::string_view first = first_part(path);
    const std::string_view package =
        first.size() < path.size() ? first : first.substr(0, first.find('.'));
    const auto matches = [&](const std::vector<std::string>& patterns) {
      return std::ranges::any_of(patterns, [&](const std::string& pattern) {
        return base::matches_glob(pattern, path) || base::names_package(pattern, distribution) ||
               base::names_package(pattern, package);
      });
    };
    if (matches(scope_.exclude)) return;
    if (found_.size() >= kMaxExtensionFiles)
      return reached(entry_, kMaxExtensionFiles, "extension files");
    found_.push_back({entry_, path, base::normalized_name(distribution), matches(scope_.include)});
  }

  const base::RootFs& fs_;
  const ExtensionScope& scope_;
  std::vector<ExtensionFile>& found_;
  std::vector<ContestedFile>& contested_;
  std::string entry_;
  std::string_view mark_;        // what a library's line has in the RECORD that is read
  std::set<std::string> owned_;  // directories that a RECORD speaks for
  std::map<std::string, Recorded> paths_;
  const base::DirectoryEntry* owner_ = nullptr;  // of the RECORD that is read
  std::size_t walked_ = 0;
  const std::unique_ptr<char[]> buffer_ =
      std::make_unique_for_overwrite<char[]>(2 * kRecordEnds + kPiece);
};

// Of packages, not a working directory that may hold anything.
bool is_named_site(const std::string& entry) {
  const std::string_view name = base::basename(entry);
  return name == "site-packages" || name == "dist-packages";
}

bool has_packages(const std::string& entry, const std::vector<Package>& packages) {
  return std::any_of(packages.begin(), packages.end(), [&](const Package& package) {
    return package.path.ends_with(".dist-info") && base::parent(package.path) == entry;
  });
}

}  // namespace

FoundFiles find_extension_files(const base::RootFs& fs, const std::vector<std::string>& sys_path,
                                const std::vector<Package>& packages, const ExtensionScope& scope) {
  FoundFiles found;
  Finder finder(fs, scope, found);
  std::set<std::string> seen;
  for (const std::string& entry : sys_path) {
    const bool named = is_named_site(entry);
    if ((named || has_packages(entry, packages)) && seen.insert(entry).second)
      finder.look_into(entry, named);
  }
  return found;
}

}  // namespace gpuinit::image
