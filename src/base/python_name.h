// Names of Python distributions as indexes compare them.
// Source: PEP 503; PyPA, "Names and normalization".
#pragma once

#include <string>
#include <string_view>

namespace gpuinit::base {

// "NVIDIA_cublas.cu12" → "nvidia-cublas-cu12": lower case, each run of "-", "_" and "."
// one "-".
inline std::string normalized_name(std::string_view name) {
  std::string normal;
  for (const char c : name) {
    const bool separator = c == '-' || c == '_' || c == '.';
    if (separator && normal.ends_with('-')) continue;
    normal += separator ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return normal;
}

}  // namespace gpuinit::base
