#include "image/frameworks/torch_metadata.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include "base/find_text.h"
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

// `name = value` or `name: annotation = value` on a line of its own; nullopt if
// the line is something else.
std::optional<std::string_view> assigned(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return std::nullopt;
  line = base::trim(line.substr(name.size()));
  if (line.starts_with(":")) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    line.remove_prefix(equals);
  }
  if (!line.starts_with("=") || line.starts_with("==")) return std::nullopt;
  return base::trim(line.substr(1));
}

Text literal(std::string_view name, std::string_view value) {
  if (value.size() >= 2 && (value[0] == '\'' || value[0] == '"')) {
    const auto end = value.find(value[0], 1);
    const std::string_view rest =
        end == std::string_view::npos ? "?" : base::trim(value.substr(end + 1));
    if (rest.empty() || rest.starts_with("#")) {
      if (end == 1) return Text::absent("version.py: " + std::string(name) + " is empty");
      return std::string(value.substr(1, end - 1));
    }
  }
  if (value == "None" || value.starts_with("None "))
    return Text::absent("version.py: " + std::string(name) + " is None");
  return Text::unknown("version.py: " + std::string(name) + " = " + base::printable(value, 60));
}

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

TorchVersion parse_torch_version(std::string_view text) {
  TorchVersion result{Text::unknown("version.py has no __version__"),
                      Text::unknown("version.py does not mention cuda"),
                      Text::absent("version.py does not mention hip")};
  for (auto line : base::split_lines(text)) {
    if (auto value = assigned(line, "__version__")) result.version = literal("__version__", *value);
    if (auto value = assigned(line, "cuda")) result.cuda = literal("cuda", *value);
    if (auto value = assigned(line, "hip")) result.hip = literal("hip", *value);
  }
  return result;
}

TorchMetadata read_torch_metadata(const base::RootFs& fs, const std::string& entry,
                                  const Fact<std::string>& torch_version) {
  TorchMetadata metadata;
  metadata.version = Text::absent("neither dist-info nor egg-info beside torch");
  metadata.wheel_tags = Fact<std::vector<std::string>>::absent("no WHEEL file");
  const auto names = fs.list(entry);
  if (!names && is_unread(names.error().code))
    metadata.version = Text::unknown(names.error().message);
  for (const std::string& name : names.value_or({})) {
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
                               const base::Environment& environment) {
  // NGC builds torch itself: "2.6.0a0+ecf3bae40a.nv25.01".
  if (torch_version && (torch_version->find(".nv2") != std::string::npos ||
                        (!base::variable(environment, "NVIDIA_PYTORCH_VERSION").empty() &&
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
  if (file.size() > kMaxRecord)
    return limit_error(file.name(), std::to_string(file.size()) + " bytes");

  // 12,000 lines, of which a dozen matter: search, do not split. Not a std::string, which would
  // clear what is overwritten.
  const auto buffer = std::make_unique_for_overwrite<char[]>(kMaxLine + 1 + kPiece);
  buffer[0] = '\n';
  std::size_t kept = 1;  // the line that goes on, with the '\n' before it
  const std::string start = "\n" + std::string(kLibraries);
  for (std::uint64_t done = 0; done < file.size();) {
    const std::uint64_t length = std::min(kPiece, file.size() - done);
    auto read = file.read_at(done, std::as_writable_bytes(std::span(buffer.get() + kept, length)));
    if (!read) return std::move(read).error();
    done += length;
    const std::string_view window(buffer.get(), kept + length);
    const auto last = done == file.size() ? window.size() : window.rfind('\n');
    std::string_view ahead = window.substr(0, last);
    for (;;) {
      const auto at = base::find_text(ahead, start);
      if (at == std::string_view::npos) break;
      ahead.remove_prefix(at + 1);
      const std::string path = library_of(ahead.substr(0, ahead.find('\n')));
      if (path.empty()) continue;
      if (libraries.size() >= kMaxLibraries)
        return limit_error(file.name(), "more than " + std::to_string(kMaxLibraries) + " libraries");
      libraries.push_back(path);
    }
    kept = window.size() - last;
    if (kept > kMaxLine) return limit_error(file.name(), "a line that is too long");
    std::memmove(buffer.get(), buffer.get() + last, kept);
  }
  std::sort(libraries.begin(), libraries.end());
  return libraries;
}

}  // namespace gpuinit::image
