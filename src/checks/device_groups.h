// GPUs in findings: equal ones are told once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

// "7 × NVIDIA H100; 1 × NVIDIA A100"; items that are all different as they are.
std::string counted(const std::vector<std::string>& items);

// What all of them are: "NVIDIA H100"; else as counted().
std::string common(const std::vector<std::string>& items);

// "NVIDIA H100 80GB HBM3, compute capability 9.0", of what is known.
std::string device_words(const Device& device);

// The same with the compute mode, unless it is the default.
std::string words_with_mode(const Device& device);

// A line for each kind among them: "GPUs 0-6" → its words. A single GPU has its UUID too.
void add_devices(Finding& finding, const std::vector<Device>& devices,
                 const std::vector<std::size_t>& indices,
                 std::string (*words)(const Device&) = device_words);

// "NVIDIA H100 80GB HBM3, compute capability 9.0, 79.1 GiB", of what is known.
std::string sized_words(const Device& device);

}  // namespace gpuinit::checks
