// device.memory: a GPU has less memory, or less of it free, than the policy asks for.
#include <algorithm>

#include "base/byte_size.h"
#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

constexpr char kWhy[] = "\"CUDA out of memory\", minutes later, when the model has been loaded.";
constexpr char kFix[] =
    "Use a node with larger GPUs (one that is sold with 80 GB has less than 80 GiB), or see with "
    "nvidia-smi who holds the memory.";

Fact<std::uint64_t> of(const Device& device, bool free) {
  return free ? device.memory_free_bytes : device.memory_bytes;
}

std::string words(const Device& device) {
  std::string text = sized_words(device);
  if (device.memory_free_bytes)
    text += joined({text.empty() ? "" : ", ", base::byte_size(*device.memory_free_bytes), " free"});
  return text;
}

// No finding if every GPU has `need` bytes, in all or free, as far as that is known.
Findings judge(const std::vector<Device>& devices, std::uint64_t need, bool free) {
  std::vector<std::size_t> short_of;
  std::uint64_t least = need;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto has = of(devices[i], free);
    if (!has || *has >= need) continue;
    short_of.push_back(i);
    least = std::min(least, *has);
  }
  if (short_of.empty()) return {};
  const bool one = short_of.size() == 1;
  Finding finding =
      failure(free ? kExitNotReady : kExitFit,
              joined({gpus(short_of), one ? " has " : " have too little memory, the least is ",
                      base::byte_size(least), free ? " free" : "", ", and the policy asks for ",
                      base::byte_size(need)}));
  add_devices(finding, devices, short_of, words);
  finding.why = kWhy;
  finding.fix = kFix;
  return finding;
}

Findings run(const Context& context) {
  const std::uint64_t total = context.policy.gpu.memory_total;
  const std::uint64_t free = context.policy.gpu.memory;
  if (total == 0 && free == 0) return {};
  if (auto skip = context.skip_without_devices()) return skip;
  const auto& devices = context.node.devices;
  if (!devices) return unknown("cannot tell how much memory the GPUs have", devices.reason());
  // A GPU that is too small says more than one that is taken.
  if (auto findings = judge(*devices, std::max(total, free), false); !findings.empty())
    return findings;
  if (auto findings = judge(*devices, free, true); !findings.empty()) return findings;
  for (const Device& device : *devices)
    for (const bool is_free : {false, true})
      if (const auto has = of(device, is_free); !has && (!is_free || free > 0))
        return unknown("cannot tell how much memory every GPU has", has.reason());
  return {};
}

}  // namespace

extern constexpr Check kDeviceMemory{
    .id = "device.memory",
    .exit_codes = "66 or 75",
    .needs_gpu = true,
    .title = "a GPU has less memory, or less of it free, than the policy asks for",
    .looks_at =
        "Where the policy has gpu.memory-total or gpu.memory: the memory of every visible GPU, in "
        "all (66) and free (75), as the driver says.",
    .why = kWhy,
    .fix = kFix,
    .source = "CUDA Driver API, cuMemGetInfo",
    .run = run,
};

}  // namespace gpuinit::checks
