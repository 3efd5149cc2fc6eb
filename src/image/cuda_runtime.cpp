#include "image/cuda_runtime.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/json.h"
#include "base/text.h"
#include "image/rpath.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;
constexpr std::uint64_t kMaxVersionJson = 256 * 1024;

// "12.4.127" and "12.4", digits and dots only.
bool is_version(std::string_view text) {
  const auto parts = base::split(text, '.');
  return parts.size() >= 2 && parts.size() <= 4 &&
         std::all_of(parts.begin(), parts.end(),
                     [](std::string_view part) { return base::parse_number(part).has_value(); });
}

std::string from_file_name(std::string_view name) {
  const auto at = name.find(".so.");
  if (at == std::string_view::npos) return "";
  const std::string_view version = name.substr(at + 4);
  // Two numbers are a SONAME ("11.0"), three a release.
  return is_version(version) && base::split(version, '.').size() >= 3 ? std::string(version) : "";
}

std::string major_of(std::string_view soname) {
  const auto at = soname.find(".so.");
  if (at == std::string_view::npos) return "";
  const std::string_view version = soname.substr(at + 4);
  return std::string(version.substr(0, version.find('.')));
}

// <site>/nvidia/cuda_runtime/lib/… and <site>/nvidia/cu13/lib/… belong to the wheel
// whose dist-info lies in <site>. Of several, the one for this major release.
bool from_wheel(const base::RootFs& fs, const std::string& directory, CudaRuntime& runtime) {
  const std::string_view package = base::parent(directory);
  const std::string_view nvidia = base::parent(package);
  if (base::basename(directory) != "lib" || base::basename(nvidia) != "nvidia") return false;
  const std::string site(base::parent(nvidia));
  const std::string major = major_of(runtime.soname);
  std::vector<std::pair<std::string, std::string>> fits;  // version, directory
  for (const std::string& name : fs.list(site).value_or({})) {
    std::string_view rest = name;
    if (!rest.starts_with("nvidia_cuda_runtime") || !rest.ends_with(".dist-info")) continue;
    rest.remove_suffix(10);
    const auto dash = rest.rfind('-');
    if (dash == std::string_view::npos) continue;
    const std::string version(rest.substr(dash + 1));
    if (is_version(version) && version.starts_with(major + "."))
      fits.emplace_back(version, base::join(site, name));
  }
  if (fits.size() != 1) return false;
  runtime.version = fits[0].first;
  runtime.version_source = fits[0].second;
  return true;
}

// The toolkit's version.json, in the directory above lib64 or targets/*/lib.
bool from_toolkit(const base::RootFs& fs, std::string_view directory, CudaRuntime& runtime) {
  for (int above = 0; above < 4 && directory.size() > 1; ++above) {
    directory = base::parent(directory);
    const std::string file = base::join(directory, "version.json");
    if (!fs.is_file(file)) continue;
    auto text = fs.read_file(file, kMaxVersionJson);
    if (!text) return false;
    auto json = base::parse_json(*text);
    if (!json) return false;
    const base::Json* cudart = json->find("cuda_cudart");
    const base::Json* version = cudart == nullptr ? nullptr : cudart->find("version");
    const std::string* value = version == nullptr ? nullptr : version->as_string();
    if (value == nullptr || !is_version(*value)) return false;
    runtime.version = *value;
    runtime.version_source = file;
    return true;
  }
  return false;
}

struct Asker {
  std::string path;
  binary::Dynamic dynamic;
  std::string machine;
  std::string soname;
};

std::string needed_runtime(const binary::Dynamic& dynamic) {
  for (const std::string& name : dynamic.needed)
    if (name.starts_with("libcudart")) return name;
  return "";
}

// The first of torch's libraries to be loaded that asks for libcudart.
std::optional<Asker> first_asker(const CudaRuntimeQuery& query) {
  const std::string deps = base::join(query.package, "lib/libtorch_global_deps.so");
  if (auto elf = OpenElf::open(query.fs, deps)) {
    auto dynamic = (*elf)->dynamic();
    if (dynamic && !needed_runtime(*dynamic).empty())
      return Asker{deps, *dynamic, (*elf)->machine(), needed_runtime(*dynamic)};
  }
  for (const char* stem :
       {"libc10_cuda", "libtorch_cuda", "libtorch_cuda_cpp", "libtorch_python"}) {
    const TorchLibrary* library = query.libraries.find(stem);
    if (library == nullptr || needed_runtime(library->dynamic).empty()) continue;
    return Asker{library->path, library->dynamic, library->elf->machine(),
                 needed_runtime(library->dynamic)};
  }
  return std::nullopt;
}

// torch's preload: the first entry of sys.path that has one of the directories.
std::string preloaded(const CudaRuntimeQuery& query, const std::string& soname) {
  const std::string major = major_of(soname);
  for (const std::string& entry : query.sys_path)
    for (const std::string& folder :
         {std::string("nvidia/cuda_runtime/lib"), "nvidia/cu" + major + "/lib",
          std::string("cuda_runtime/lib")}) {
      const std::string path = base::join(entry, folder + "/" + soname);
      if (query.fs.is_file(path)) return path;
    }
  return "";
}

}  // namespace

void read_runtime_version(const base::RootFs& fs, const std::string& real_path,
                          CudaRuntime& runtime) {
  if (const auto version = from_file_name(base::basename(real_path)); !version.empty()) {
    runtime.version = version;
    runtime.version_source = real_path;
    return;
  }
  const std::string directory(base::parent(real_path));
  const std::string as_found(base::parent(runtime.path));
  if (from_wheel(fs, as_found, runtime) || from_wheel(fs, directory, runtime) ||
      from_toolkit(fs, directory, runtime))
    return;
  const std::string reason = "neither the name of " + real_path + " nor a file beside it tells";
  runtime.version = Text::unknown(reason);
  runtime.version_source = Text::unknown(reason);
}

Fact<CudaRuntime> find_cuda_runtime(const CudaRuntimeQuery& query) {
  const auto asker = first_asker(query);
  if (!asker)
    return Fact<CudaRuntime>::unknown("no library of torch that could be read asks for libcudart");
  CudaRuntime runtime;
  runtime.soname = asker->soname;
  const std::string rpath = join_rpaths(asker->dynamic.rpath, query.python_rpath);
  auto found = query.search.find(asker->soname, {asker->path, rpath, asker->dynamic.runpath},
                                 asker->machine);
  if (found) {
    runtime.path = tidy_path(query.fs, found->path);
    runtime.found_by = found->found_by;
  } else if (found.error().code != ENOENT) {
    return Fact<CudaRuntime>::unknown(found.error().message);
  } else {
    runtime.path = preloaded(query, asker->soname);
    runtime.found_by = "torch's preload from sys.path";
    if (runtime.path.empty())
      return Fact<CudaRuntime>::absent(asker->path + " needs " + asker->soname + ": " +
                                       found.error().message + ", nor has sys.path");
  }
  read_runtime_version(query.fs, query.fs.resolve(runtime.path).value_or(runtime.path), runtime);
  return runtime;
}

}  // namespace gpuinit::image
