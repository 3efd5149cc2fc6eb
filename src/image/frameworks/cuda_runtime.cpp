// The libcudart that torch will get, and which CUDA release it is.
#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "image/frameworks/read_frameworks.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;
constexpr std::uint64_t kMaxVersionJson = 256ULL * 1024;

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
  const std::string reason =
      "neither the name of " + real_path + " nor a file beside it says which release it is";
  runtime.version = Text::unknown(reason);
  runtime.version_source = Text::unknown(reason);
}

Fact<CudaRuntime> find_cuda_runtime(const base::RootFs& fs, const TorchLoad& load) {
  if (!load.closure) return Fact<CudaRuntime>::unknown(load.unknown_because);
  const auto& objects = load.closure->objects();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const ldso::LoadedObject& object = objects[i];
    if (!base::basename(object.name).starts_with("libcudart")) continue;
    CudaRuntime runtime;
    runtime.soname = base::basename(object.name);
    runtime.path = tidy_path(fs, object.path);
    const bool preloaded = std::count(load.preloaded.begin(), load.preloaded.end(), i) != 0;
    runtime.found_by = preloaded ? kTorchPreload : object.found_by;
    read_runtime_version(fs, object.real_path, runtime);
    return runtime;
  }
  if (!load.problem.empty()) return Fact<CudaRuntime>::unknown(load.problem);
  for (const ldso::LoadFailure& missing : load.closure->missing())
    if (missing.name.starts_with("libcudart"))
      return Fact<CudaRuntime>::absent(tidy_path(fs, objects[missing.needed_by].path) + " needs " +
                                       missing.name + ": " + missing.reason);
  return Fact<CudaRuntime>::unknown("no library of torch that could be read asks for libcudart");
}

}  // namespace gpuinit::image
