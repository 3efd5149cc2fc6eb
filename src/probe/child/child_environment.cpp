#include "probe/child/child_environment.h"

#include <algorithm>
#include <span>

namespace gpuinit::probe {

namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kCudaPrefixes[] = {"CUDA_", "NVIDIA_", "XDG_"};
constexpr std::string_view kCudaNames[] = {"LD_LIBRARY_PATH", "GLIBC_TUNABLES", "HOME", "USER",
                                           "TMPDIR"};

constexpr std::string_view kPythonPrefixes[] = {
    "CONDA_",   "CUDA", "CUDNN_",    "KMP_",   "LC_",      "MKL_",  "NCCL_",   "NVIDIA_",
    "NUMEXPR_", "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "TORCH", "TRITON_", "XDG_"};
constexpr std::string_view kPythonNames[] = {
    "GLIBC_TUNABLES", "HOME",   "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME",
    "PATH",           "TMPDIR", "TZ",   "USER",     "VIRTUAL_ENV"};
constexpr std::string_view kSecrets[] = {"TOKEN",  "SECRET",     "PASSWORD",
                                         "PASSWD", "CREDENTIAL", "_KEY"};

bool is_one_of(std::string_view name, Names prefixes, Names names) {
  return std::ranges::any_of(prefixes, [=](auto prefix) { return name.starts_with(prefix); }) ||
         std::ranges::find(names, name) != names.end();
}

std::string setting(const std::string& name, const std::string& value) {
  return name + "=" + value;
}

bool is_secret(std::string_view name) {
  return std::ranges::any_of(kSecrets,
                             [=](auto word) { return name.find(word) != std::string_view::npos; });
}

// ld.so(8): entries are separated by colons or semicolons; an empty entry, and one that
// does not begin with '/', counts from the working directory. "$ORIGIN/…" stays.
std::string absolute_entries(std::string_view path, std::string_view directory) {
  std::string result;
  for (;;) {
    const auto end = path.find_first_of(":;");
    const auto entry = path.substr(0, end);
    if (!entry.starts_with('/') && !entry.starts_with('$')) {
      result += directory;
      if (!entry.empty() && !directory.ends_with('/')) result += '/';
    }
    result += entry;
    if (end == std::string_view::npos) return result;
    result += path[end];
    path.remove_prefix(end + 1);
  }
}

}  // namespace

std::vector<std::string> cuda_environment(const std::map<std::string, std::string>& variables,
                                          std::string_view directory) {
  std::vector<std::string> result;
  for (const auto& [name, value] : variables) {
    if (!is_one_of(name, kCudaPrefixes, kCudaNames)) continue;
    // An LD_LIBRARY_PATH that is set but empty counts as not set.
    const bool rewrite = name == "LD_LIBRARY_PATH" && !value.empty() && !directory.empty();
    result.push_back(setting(name, rewrite ? absolute_entries(value, directory) : value));
  }
  return result;
}

std::vector<std::string> python_environment(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> result;
  for (const auto& [name, value] : variables)
    if (is_one_of(name, kPythonPrefixes, kPythonNames) && !is_secret(name))
      result.push_back(setting(name, value));
  return result;
}

}  // namespace gpuinit::probe
