#include "image/frameworks/torch_metadata.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/text.h"
#include "image/packages/core_metadata.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;
constexpr std::uint64_t kMaxMetadata = 16ULL * 1024;  // its head is enough
constexpr std::uint64_t kMaxRecord = 32ULL * 1024 * 1024;
constexpr std::uint64_t kPiece = 64ULL * 1024;
constexpr std::size_t kMaxLine = 4096;
constexpr std::size_t kMaxLibraries = 1000;
constexpr std::string_view kLibraries = "torch/lib/";

std::string read_head(const base::RootFs& fs, const std::string& path) {
  auto file = fs.open_file(path);
  if (!file) return "";
  return file->read_text(0, std::min(file->size(), kMaxMetadata)).value_or("");
}

std::string version_in(const base::RootFs& fs, const std::string& path, bool egg) {
  std::string file = path;
  if (!egg) file = base::join(path, "METADATA");
  if (egg && fs.is_directory(path)) file = base::join(path, "PKG-INFO");
  const auto values = header_values(read_head(fs, file), "Version");
  if (!values.empty()) return values[0];
  // "torch-2.8.0+cu128.dist-info"
  std::string name(base::basename(path));
  name = name.substr(6, name.rfind('.') - 6);
  return name;
}

std::string without_local(const std::string& version) {
  return version.substr(0, version.find('+'));
}

// The library that a line of RECORD is about; "" if it is about another file.
std::string library_of(std::string_view line) {
  const std::string_view path = line.substr(0, line.find(','));
  const bool library = path.find('/', kLibraries.size()) == std::string_view::npos &&
                       (path.ends_with(".so") || path.find(".so.") != std::string_view::npos);
  return library ? std::string(path) : "";
}

}  // namespace

TorchMetadata read_torch_metadata(const base::RootFs& fs, const std::string& entry,
                                  const Fact<std::string>& torch_version) {
  TorchMetadata metadata;
  metadata.version = Text::absent("neither dist-info nor egg-info beside torch");
  metadata.wheel_tags = Fact<std::vector<std::string>>::absent("no WHEEL file");
  for (const std::string& name : fs.list(entry).value_or({})) {
    if (!name.starts_with("torch-")) continue;
    const bool egg = name.ends_with(".egg-info");
    if (!egg && !name.ends_with(".dist-info")) continue;
    const std::string path = base::join(entry, name);
    const std::string version = version_in(fs, path, egg);
    const bool same = torch_version && without_local(version) == without_local(*torch_version);
    if (!metadata.directory.empty() && !same) continue;
    metadata.directory = path;
    metadata.version = version;
    metadata.egg = egg;
    if (same) break;
  }
  if (metadata.directory.empty() || metadata.egg) return metadata;
  const std::string wheel = read_head(fs, base::join(metadata.directory, "WHEEL"));
  if (!wheel.empty()) metadata.wheel_tags = header_values(wheel, "Tag");
  metadata.installer =
      base::trim(fs.read_file(base::join(metadata.directory, "INSTALLER"), 1024).value_or(""));
  return metadata;
}

Fact<std::string> torch_layout(const base::RootFs& fs, const std::string& entry,
                               const TorchMetadata& metadata,
                               const Fact<std::string>& torch_version, const std::string& prefix,
                               const Environment& environment) {
  // NGC builds torch itself: "2.6.0a0+ecf3bae40a.nv25.01".
  if (torch_version && (torch_version->find(".nv2") != std::string::npos ||
                        (!variable(environment, "NVIDIA_PYTORCH_VERSION").empty() &&
                         torch_version->find("a0+") != std::string::npos)))
    return std::string("ngc");
  if (entry == "/usr/lib/python3/dist-packages") return std::string("debian");
  if (metadata.installer == "conda") return std::string("conda");
  if (metadata.installer.empty() && !prefix.empty()) {
    for (const std::string& name : fs.list(base::join(prefix, "conda-meta")).value_or({}))
      if (name.starts_with("pytorch-") && name.ends_with(".json")) return std::string("conda");
  }
  if (fs.is_file(base::join(entry, "setup.py")) && fs.is_directory(base::join(entry, "aten")))
    return std::string("source");
  if (metadata.wheel_tags.known()) return std::string("wheel");
  return Text::unknown("no installer left its mark on " + entry);
}

Result<std::vector<std::string>> recorded_libraries(const base::RootFs& fs,
                                                    const TorchMetadata& metadata) {
  if (metadata.directory.empty() || metadata.egg) return std::vector<std::string>();
  auto file = fs.open_file(base::join(metadata.directory, "RECORD"));
  if (!file && file.error().code == ENOENT) return std::vector<std::string>();
  if (!file) return std::move(file).error();
  return libraries_in_record(*file);
}

Result<std::vector<std::string>> libraries_in_record(const base::ByteSource& file) {
  std::vector<std::string> libraries;
  if (file.size() > kMaxRecord) return Error{file.name() + " is too large"};

  // 12,000 lines, of which a dozen matter: search, do not split.
  std::string window = "\n";
  for (std::uint64_t done = 0; done < file.size();) {
    const std::uint64_t length = std::min(kPiece, file.size() - done);
    const std::size_t kept = window.size();
    window.resize(kept + length);
    auto read = file.read_at(done, std::as_writable_bytes(std::span(window.data() + kept, length)));
    if (!read) return std::move(read).error();
    done += length;
    const auto last = window.rfind('\n');
    const std::string_view whole =
        done == file.size() ? std::string_view(window) : std::string_view(window).substr(0, last);
    // memmem, not find, which stops at every line.
    std::string_view ahead = whole;
    const std::string start = "\n" + std::string(kLibraries);
    while (const void* hit = ::memmem(ahead.data(), ahead.size(), start.data(), start.size())) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - ahead.data());
      ahead.remove_prefix(at + 1);
      const std::string path = library_of(ahead.substr(0, ahead.find('\n')));
      if (!path.empty() && libraries.size() < kMaxLibraries) libraries.push_back(path);
    }
    // The line that goes on in the next piece, with the '\n' before it.
    window.erase(0, last);
    if (window.size() > kMaxLine) return Error{file.name() + " has a line that is too long"};
  }
  std::sort(libraries.begin(), libraries.end());
  return libraries;
}

}  // namespace gpuinit::image
