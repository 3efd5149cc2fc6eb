// Which device files are GPUs.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace gpuinit::base {

// WSL has this one file for all GPUs and for the driver, which is that of Windows.
inline constexpr char kWslDevice[] = "/dev/dxg";

// "/dev/nvidia3" → 3; nullopt if the path is another.
inline std::optional<std::uint64_t> gpu_number(std::string_view path) {
  constexpr std::string_view kPrefix = "/dev/nvidia";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  return parse_number(path.substr(kPrefix.size()));
}

// "/dev/nvidia3" and WSL's device. Not /dev/nvidiactl and the others that every client of the
// driver opens: they keep no GPU awake, and say nothing about whether there is one.
inline bool is_gpu_device(std::string_view path) {
  return path == kWslDevice || gpu_number(path).has_value();
}

}  // namespace gpuinit::base
