#include "base/library_names.h"

#include <algorithm>
#include <array>

namespace gpuinit::base {

namespace {

// Requires: all start with "lib" and more. The letters behind it rule out nearly all.
bool begins_with_any(std::string_view text, const auto& starts) {
  return text.size() > 4 && std::ranges::any_of(starts, [&](std::string_view start) {
           return text[3] == start[3] && text[4] == start[4] && text.starts_with(start);
         });
}

constexpr std::array<std::string_view, 25> kCudaLibraries{
    "libcuda.so", "libcudart.",  "libcublas",   "libcudnn",        "libcufft",
    "libcufile",  "libcurand",   "libcusolver", "libcusparse",     "libcupti",
    "libcudss",   "libcutensor", "libnvrtc",    "libnvJitLink",    "libnvToolsExt",
    "libnvjpeg",  "libnccl",     "libnvshmem",  "libnvidia-ml.so", "libnpp",
    "libnvinfer", "libcuinj",    "libnvblas",   "libnvfatbin",     "libnvonnxparser"};

}  // namespace

bool is_torch_library(std::string_view soname) {
  constexpr std::array<std::string_view, 5> kStarts{"libtorch.so", "libtorch_", "libc10.so",
                                                    "libc10_", "libshm.so"};
  return begins_with_any(soname, kStarts);
}

bool is_cuda_library(std::string_view soname) { return begins_with_any(soname, kCudaLibraries); }

bool is_cuda_function(std::string_view symbol) {
  return symbol.starts_with("cuda") || symbol.starts_with("__cuda") || symbol.starts_with("__nv") ||
         ((symbol.starts_with('c') || symbol.starts_with('n')) &&
          std::ranges::any_of(kCudaLibraries, [&](std::string_view library) {
            return is_named_after(symbol, library);
          }));
}

bool is_core_cuda_library(std::string_view soname) {
  constexpr std::array<std::string_view, 10> kStarts{
      "libcudart.so",   "libcublas",      "libcudnn", "libcufft",     "libcurand",
      "libcusolver.so", "libcusparse.so", "libnvrtc", "libnvJitLink", "libnccl.so"};
  return begins_with_any(soname, kStarts);
}

bool is_driver_library(std::string_view soname) {
  constexpr std::array<std::string_view, 5> kStarts{"libcuda.so", "libnvidia-", "libnvcuvid.so",
                                                    "libnvoptix.so", "libnvdla_"};
  return begins_with_any(soname, kStarts);
}

bool is_named_after(std::string_view symbol, std::string_view soname) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  // Asked of thousands of pairs: most differ in the first two letters.
  constexpr std::size_t kLib = 3;
  if (symbol.size() < 2 || soname.size() < kLib + 2 || lower(soname[kLib]) != lower(symbol[0]) ||
      lower(soname[kLib + 1]) != lower(symbol[1]) || !soname.starts_with("lib"))
    return false;
  const std::string_view stem = soname.substr(kLib, soname.find_first_of("._") - kLib);
  return stem.size() > 2 && symbol.size() > stem.size() &&
         std::equal(stem.begin(), stem.end(), symbol.begin(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

bool is_driver_function(std::string_view symbol) {
  return symbol.starts_with("nvml") ||
         (symbol.size() > 2 && symbol.starts_with("cu") && symbol[2] >= 'A' && symbol[2] <= 'Z' &&
          !symbol.starts_with("cuFile"));
}

}  // namespace gpuinit::base
