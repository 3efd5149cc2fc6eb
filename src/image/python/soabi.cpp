#include "image/python/soabi.h"

#include <set>
#include <string_view>

#include "base/json.h"
#include "base/text.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxSysconfig = 1024ULL * 1024;

// Is `soabi` one that this release can have? The letters after the number are
// the ABI flags; "m" and "u" (3.7 and older) say nothing that matters here.
bool agrees(std::string_view soabi, const PythonRelease& release) {
  const std::string tag = "cpython-" + release.undotted();
  if (!soabi.starts_with(tag)) return false;
  soabi.remove_prefix(tag.size());
  const auto flags = soabi.substr(0, soabi.find('-'));
  if (flags.find_first_not_of("tdmu") != std::string_view::npos) return false;
  return (flags.find('t') != std::string_view::npos) == release.free_threaded &&
         (flags.find('d') != std::string_view::npos) == release.debug;
}

std::string from_suffix(std::string_view suffix) {
  if (!suffix.starts_with('.') || !suffix.ends_with(".so") || suffix.size() < 5) return "";
  return std::string(suffix.substr(1, suffix.size() - 4));
}

std::string from_build_details(const base::RootFs& fs, const std::string& path) {
  auto text = fs.read_file(path, kMaxSysconfig);
  if (!text) return "";
  auto json = base::parse_json(*text);
  if (!json) return "";
  const base::Json* abi = json->find("abi");
  const base::Json* suffix = abi == nullptr ? nullptr : abi->find("extension_suffix");
  const std::string* value = suffix == nullptr ? nullptr : suffix->as_string();
  return value == nullptr ? "" : from_suffix(*value);
}

// Every module in lib-dynload of this release says the same.
std::string from_lib_dynload(const base::RootFs& fs, const std::string& directory,
                             const PythonRelease& release, std::string& file) {
  std::set<std::string> seen;
  for (const std::string& name : fs.list(directory).value_or({})) {
    const auto dot = name.find('.');
    if (dot == std::string::npos) continue;
    const std::string soabi = from_suffix(std::string_view(name).substr(dot));
    if (!agrees(soabi, release)) continue;
    if (seen.insert(soabi).second) file = base::join(directory, name);
  }
  return seen.size() == 1 ? *seen.begin() : "";
}

// The value of 'SOABI' in a file that is one Python dict.
std::string from_sysconfig_data(const base::RootFs& fs, const std::string& path) {
  auto text = fs.read_file(path, kMaxSysconfig);
  if (!text) return "";
  constexpr std::string_view kKey = "'SOABI': '";
  const auto at = text->find(kKey);
  if (at == std::string::npos) return "";
  const auto from = at + kKey.size();
  const auto end = text->find('\'', from);
  return end == std::string::npos ? "" : text->substr(from, end - from);
}

}  // namespace

Soabi read_soabi(const base::RootFs& fs, const PythonBinary& python, PythonRelease& release,
                 const std::string& stdlib, const std::string& lib_dynload) {
  if (python.implementation() != PythonBinary::Implementation::kCpython)
    return {Fact<std::string>::unknown("PyPy"), Fact<std::string>::unknown("PyPy")};
  if (!release.known())
    return {Fact<std::string>::unknown(release.version.reason()),
            Fact<std::string>::unknown(release.version.reason())};

  if (release.at_least(14) && !stdlib.empty()) {
    const std::string path = base::join(stdlib, "build-details.json");
    if (const auto soabi = from_build_details(fs, path); agrees(soabi, release))
      return {soabi, path};
  }
  if (!lib_dynload.empty()) {
    std::string file;
    if (const auto soabi = from_lib_dynload(fs, lib_dynload, release, file); !soabi.empty())
      return {soabi, file};
  }
  if (!stdlib.empty()) {
    for (const std::string& name : fs.list(stdlib).value_or({})) {
      if (!name.starts_with("_sysconfigdata_") || !name.ends_with(".py")) continue;
      const std::string path = base::join(stdlib, name);
      if (const auto soabi = from_sysconfig_data(fs, path); agrees(soabi, release))
        return {soabi, path};
    }
  }
  search_extension_suffix(python, release);
  if (const auto soabi = from_suffix(release.extension_suffix); agrees(soabi, release))
    return {soabi, python.code()->path()};
  const std::string reason =
      "neither the standard library nor the program tells the suffix of extension modules";
  return {Fact<std::string>::unknown(reason), Fact<std::string>::unknown(reason)};
}

std::string soabi_of_extension(const std::string& name, const std::string& stem) {
  if (!name.starts_with(stem + ".")) return "";
  return from_suffix(std::string_view(name).substr(stem.size()));
}

}  // namespace gpuinit::image
