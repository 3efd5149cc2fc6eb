// device.memory: a GPU has less memory, or less of it free, than the policy asks for.
#include <algorithm>

#include "base/byte_size.h"
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// The GPUs of which `bytes` is less than `need`.
std::vector<std::size_t> below(const std::vector<Device>& devices,
                               Fact<std::uint64_t> Device::*bytes, std::uint64_t need) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < devices.size(); ++i)
    if (const auto& known = devices[i].*bytes; known && *known < need) indices.push_back(i);
  return indices;
}

Findings run(const Context& context) {
  const std::uint64_t need = context.policy.gpu.memory;
  if (need == 0) return {};
  const auto& devices = context.node.devices;
  if (!devices) return unknown("cannot tell how much memory the GPUs have", devices.reason());
  auto indices = below(*devices, &Device::memory_bytes, need);
  const bool small = !indices.empty();
  if (!small) indices = below(*devices, &Device::memory_free_bytes, need);
  if (indices.empty()) {
    for (const Device& device : *devices)
      if (!device.memory_bytes || !device.memory_free_bytes)
        return unknown("cannot tell how much memory every GPU has",
                       device.memory_free_bytes.reason());
    return {};
  }
  const Device& first = (*devices)[indices.front()];
  const auto& has = small ? first.memory_bytes : first.memory_free_bytes;
  Finding finding =
      failure(small ? kExitFit : kExitNotReady,
              joined({gpus(indices), indices.size() > 1 ? " have " : " has ", base::byte_size(*has),
                      small ? "" : " free", ", and the policy asks for ", base::byte_size(need)}));
  add_evidence(finding, gpus(indices), device_words(first));
  if (first.memory_bytes) add_evidence(finding, "in all", base::byte_size(*first.memory_bytes));
  if (first.memory_free_bytes)
    add_evidence(finding, "free", base::byte_size(*first.memory_free_bytes));
  finding.why = "The job would end with \"CUDA out of memory\", after it has loaded its model.";
  finding.fix = small
                    ? "Use a node with larger GPUs, or lower gpu.memory. (A GPU that is sold with "
                      "80 GB has less than 80 GiB.)"
                    : "Look with nvidia-smi for who holds the memory, and end it; or try again "
                      "later.";
  return finding;
}

}  // namespace

extern constexpr Check kDeviceMemory{
    .id = "device.memory",
    .exit_codes = "66 or 75",
    .needs_gpu = true,
    .suppressed_by = kCausesOfNoDevice,
    .title = "a GPU has less memory, or less of it free, than the policy asks for",
    .looks_at =
        "Where the policy has gpu.memory: the memory of every visible GPU, in all (66) and free "
        "(75), as the driver says.",
    .why = "\"CUDA out of memory\", minutes later, when the model has been loaded.",
    .fix = "Use a node with larger GPUs (66), or end the process that holds the memory (75).",
    .source = "CUDA Driver API, cuMemGetInfo",
    .run = run,
};

}  // namespace gpuinit::checks
