#include "image/packages/distributions.h"

#include <optional>
#include <string_view>
#include <utility>

#include "base/directory.h"
#include "image/packages/core_metadata.h"

namespace gpuinit::image {

namespace {

// The head of METADATA has 1 to 8 KiB as a rule and 100 where a package has many extras.
constexpr std::size_t kUsualHead = 16ULL * 1024;
constexpr std::size_t kMaxHead = 256ULL * 1024;

std::optional<Package> read_metadata(const base::Directory& directory, const std::string& name) {
  auto text = directory.read_head(name, kUsualHead);
  if (text && text->size() == kUsualHead && !has_whole_head(*text))
    text = directory.read_head(name, kMaxHead);
  if (!text) return std::nullopt;
  return parse_core_metadata(*text);
}

// What holds the metadata in an entry of that name. Empty if it is not a distribution.
std::string_view place_of(std::string_view name) {
  if (name.starts_with('~')) return "";
  if (name.ends_with(".dist-info")) return "METADATA";
  return name.ends_with(".egg-info") || name.ends_with(".egg") ? "PKG-INFO" : "";
}

// Its import compares the CUDA in torchaudio/version.py with torch's; METADATA of PyPI's wheels
// leaves the "+cu130" out.
void add_build(const base::RootFs& fs, const std::string& site, Package& torchaudio) {
  const auto text = fs.read_file(base::join(site, "torchaudio/version.py"), kUsualHead);
  if (!text) return;
  const auto at = text->find(torchaudio.version + "+");
  if (at == std::string::npos) return;
  torchaudio.version = text->substr(at, text->find_first_of("'\"\n", at) - at);
}

std::optional<Package> read_one(const base::Directory& site, const base::DirectoryEntry& entry,
                                const std::string& place) {
  if (entry.kind == base::DirectoryEntry::Kind::kFile) {
    if (!entry.name.ends_with(".egg-info")) return std::nullopt;
    return read_metadata(site, entry.name);
  }
  auto directory = site.open_directory(entry.name);
  if (directory && entry.name.ends_with(".egg")) directory = directory->open_directory("EGG-INFO");
  if (!directory) return std::nullopt;
  return read_metadata(*directory, place);
}

// Passed over is what Python passes over too.
Status unless_unread(Error error) {
  if (is_unread(error.code)) return error;
  return Done{};
}

Status read_entry(const base::RootFs& fs, const std::string& path, std::vector<Package>& packages) {
  auto site = base::Directory::open(fs, path);
  if (!site) return unless_unread(std::move(site).error());  // a zip file
  auto entries = site->entries();
  if (!entries) return unless_unread(std::move(entries).error());
  for (const base::DirectoryEntry& entry : *entries) {
    const std::string place(place_of(entry.name));
    if (place.empty()) continue;
    if (packages.size() >= kMaxDistributions)
      return limit_error(path, "more than " + std::to_string(kMaxDistributions) + " distributions");
    auto package = read_one(*site, entry, place);
    if (!package || package->name.empty()) continue;
    package->path = base::join(path, entry.name);
    if (package->name == "torchaudio") add_build(fs, path, *package);
    packages.push_back(*std::move(package));
  }
  return Done{};
}

}  // namespace

Fact<std::vector<Package>> read_distributions(const base::RootFs& fs,
                                              const Fact<std::vector<std::string>>& sys_path) {
  if (!sys_path)
    return Fact<std::vector<Package>>::unknown("sys.path is not known: " + sys_path.reason());
  std::vector<Package> packages;
  for (const std::string& entry : *sys_path)
    if (const Status read = read_entry(fs, entry, packages); !read)
      return Fact<std::vector<Package>>::unknown(read.error().message);
  return packages;
}

}  // namespace gpuinit::image
