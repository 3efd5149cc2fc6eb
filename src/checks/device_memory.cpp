// device.memory: a GPU has less memory, or less of it free, than the policy asks for.
#include "base/byte_size.h"
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

constexpr char kWhy[] = "\"CUDA out of memory\", minutes later, when the model has been loaded.";
constexpr char kFix[] =
    "Use a node with larger GPUs (one that is sold with 80 GB has less than 80 GiB), or see with "
    "nvidia-smi who holds the memory.";

Findings run(const Context& context) {
  const std::uint64_t need = context.policy.gpu.memory;
  if (need == 0) return {};
  const auto& devices = context.node.devices;
  if (!devices) return unknown("cannot tell how much memory the GPUs have", devices.reason());
  // A GPU that is too small says more than one that is taken.
  for (const bool free : {false, true})
    for (std::size_t i = 0; i < devices->size(); ++i) {
      const Device& device = (*devices)[i];
      const auto& has = free ? device.memory_free_bytes : device.memory_bytes;
      if (!has || *has >= need) continue;
      Finding finding =
          failure(free ? kExitNotReady : kExitFit,
                  joined({gpus({i}), " has ", base::byte_size(*has), free ? " free" : "",
                          ", and the policy asks for ", base::byte_size(need)}));
      add_evidence(finding, "gpus", gpus({i}), device_words(device));
      finding.why = kWhy;
      finding.fix = kFix;
      return finding;
    }
  for (const Device& device : *devices)
    if (!device.memory_bytes || !device.memory_free_bytes)
      return unknown("cannot tell how much memory every GPU has",
                     device.memory_free_bytes.reason());
  return {};
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
    .why = kWhy,
    .fix = kFix,
    .source = "CUDA Driver API, cuMemGetInfo",
    .run = run,
};

}  // namespace gpuinit::checks
