#include "probe/python/python_environment.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace gpuinit::probe {

namespace {

constexpr std::array<std::string_view, 16> kPrefixes{
    "CONDA_",   "CUDA", "CUDNN_",    "KMP_",   "LC_",      "MKL_",  "NCCL_",   "NVIDIA_",
    "NUMEXPR_", "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "TORCH", "TRITON_", "XDG_"};
constexpr std::array<std::string_view, 11> kNames{
    "GLIBC_TUNABLES", "HOME",   "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME",
    "PATH",           "TMPDIR", "TZ",   "USER",     "VIRTUAL_ENV"};
constexpr std::array<std::string_view, 6> kSecrets{"TOKEN",  "SECRET",     "PASSWORD",
                                                   "PASSWD", "CREDENTIAL", "_KEY"};

bool is_kept(std::string_view name) {
  const auto begins = [&](auto prefix) { return name.starts_with(prefix); };
  const auto holds = [&](auto word) { return name.find(word) != std::string_view::npos; };
  const bool wanted = std::any_of(kPrefixes.begin(), kPrefixes.end(), begins) ||
                      std::find(kNames.begin(), kNames.end(), name) != kNames.end();
  return wanted && std::none_of(kSecrets.begin(), kSecrets.end(), holds);
}

}  // namespace

std::vector<std::string> python_environment(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> result;
  for (const auto& [name, value] : variables)
    if (is_kept(name)) result.push_back(name + "=" + value);
  return result;
}

}  // namespace gpuinit::probe
