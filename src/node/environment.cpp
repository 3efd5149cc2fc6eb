// The variables that steer CUDA and the container runtime.
#include <algorithm>

#include "node/read_node.h"

namespace gpuinit::node {

namespace {

constexpr std::string_view kNames[] = {
    "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_DISABLE_REQUIRE", "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",      "CUDA_MODULE_LOADING",
    "CUDA_DISABLE_PTX_JIT",   "CUDA_FORCE_PTX_JIT",
    "LD_LIBRARY_PATH",        "LD_PRELOAD",
};

constexpr std::string_view kFamilies[] = {"NVIDIA_REQUIRE_", "CUDA_CACHE_", "CUDA_MPS_"};

}  // namespace

bool steers_cuda(std::string_view name) {
  return std::ranges::find(kNames, name) != std::end(kNames) ||
         std::ranges::any_of(kFamilies, [&](auto family) { return name.starts_with(family); });
}

Environment cuda_environment(const Environment& environment) {
  Environment kept;
  for (const auto& [name, value] : environment)
    if (steers_cuda(name)) kept.emplace(name, value);
  return kept;
}

}  // namespace gpuinit::node
