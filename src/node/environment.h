// The environment variables that steer CUDA and the container runtime.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace gpuinit::node {

// True for the variables below and the families NVIDIA_REQUIRE_*, CUDA_CACHE_*
// and CUDA_MPS_*. Sources: CUDA C++ Programming Guide, "CUDA Environment
// Variables"; NVIDIA container toolkit, "Specialized Configurations".
bool steers_cuda(std::string_view name);

// Those of `environment` that are set, empty values included: an empty
// CUDA_VISIBLE_DEVICES hides every GPU, an unset one none. Others stay out of
// the facts, which people attach to bug reports.
std::map<std::string, std::string> cuda_environment(
    const std::map<std::string, std::string>& environment);

}  // namespace gpuinit::node
