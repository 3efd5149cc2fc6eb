// Making findings: short constructors, and words that several checks use.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

Finding failure(int exit_code, std::string summary);
Finding warning(std::string summary);
Finding unknown(std::string summary);
Finding skipped(std::string summary);

// The check would fail, but on a guess: says so and only warns.
Finding only_warn(Finding finding, const std::string& because);

// The parts one after the other. Shorter code than a chain of `+`.
std::string joined(std::initializer_list<std::string_view> parts);

// One line of evidence. As a function, because emplace_back is compiled anew for a label of
// every length.
void note(Finding& finding, std::string_view label, std::string value);

// ": reason", or "" when there is none.
std::string because(const std::string& reason);

// "a, b, c and 4 more".
std::string listed(const std::vector<std::string>& items, std::size_t limit = 5);

// "GPU 3", "GPUs 0-6, 8": from rising indices.
std::string gpus(const std::vector<std::size_t>& indices);

// WSL: the driver is that of Windows, behind /dev/dxg.
bool is_wsl(const NodeFacts& node);

// How a container gets a GPU, and what to do if none is wanted.
inline constexpr char kGiveGpu[] =
    "docker or podman: --gpus all (or --device nvidia.com/gpu=all); Kubernetes: a nvidia.com/gpu "
    "limit, the NVIDIA device plugin on the node and, where the cluster has one, runtimeClassName: "
    "nvidia. If no GPU is wanted, set gpu.required = \"no\" in the policy.";

// "NVIDIA H100 80GB HBM3, compute capability 9.0", of what is known.
std::string device_words(const Device& device);

}  // namespace gpuinit::checks
