// What a GPU's name says for certain.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::rules {

// The brands that NVML may report for a device of this name, in lower case. Empty if the name does
// not say. Several, because drivers differ: a T4 is "tesla" to older ones and "nvidia" to newer.
// "unknown" is always among them: that is what libnvidia-container calls a brand which is newer
// than itself. Source: nvml.h, nvmlBrandType_t; libnvidia-container, src/driver.c.
std::vector<std::string> brands_of(std::string_view device_name);

// True for models that can be split into MIG instances.
// The models: tables/gpu_names.h.
bool can_be_split(std::string_view device_name);

// Whether a policy's name for a GPU is this device's. One with `*` or `?` is a pattern of the whole
// name; any other has to be whole words of it: "A10" is not in "NVIDIA A100". Upper and lower case
// are alike, and so are '-' and ' ': Kubernetes' label nvidia.com/gpu.product has '-' for blanks.
bool is_called(std::string_view device_name, std::string_view wanted);

}  // namespace gpuinit::rules
