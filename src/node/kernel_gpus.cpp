#include "node/kernel_gpus.h"

#include <limits>

#include "base/text.h"

namespace gpuinit::node {

namespace {

using Text = Fact<std::string>;

constexpr const char* kDirectory = "/proc/driver/nvidia/gpus";
constexpr std::uint64_t kMaxText = 64ULL * 1024;
constexpr std::size_t kMaxGpus = 256;

// The value of the line "<key>: <value>".
Text value_of(std::string_view text, std::string_view key) {
  for (auto line : base::split_lines(text)) {
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
    const auto value = base::trim(line.substr(key.size() + 1));
    if (!value.empty()) return base::printable(value);
  }
  return Text::unknown("the kernel driver does not tell");
}

}  // namespace

KernelGpu parse_kernel_gpu(std::string bus_id, std::string_view text) {
  KernelGpu gpu;
  gpu.bus_id = std::move(bus_id);
  gpu.name = value_of(text, "Model");
  gpu.uuid = value_of(text, "GPU UUID");
  if (gpu.uuid && (!gpu.uuid->starts_with("GPU-") || gpu.uuid->find('?') != std::string::npos))
    gpu.uuid = Text::unknown("the driver has not started this GPU yet");
  const Text minor = value_of(text, "Device Minor");
  const auto number = minor ? base::parse_number(*minor) : std::nullopt;
  if (number && *number <= std::numeric_limits<int>::max()) gpu.minor = static_cast<int>(*number);
  else gpu.minor = Fact<int>::unknown("the kernel driver does not tell");
  return gpu;
}

Fact<std::vector<KernelGpu>> read_kernel_gpus(const base::RootFs& fs) {
  using Gpus = std::vector<KernelGpu>;
  auto names = fs.list(kDirectory);
  if (!names) return Fact<Gpus>::unknown(names.error().message);
  Gpus gpus;
  for (const auto& name : *names) {
    if (gpus.size() >= kMaxGpus) break;
    auto text =
        fs.read_kernel_file(base::join(base::join(kDirectory, name), "information"), kMaxText);
    if (!text) return Fact<Gpus>::unknown(text.error().message);
    gpus.push_back(parse_kernel_gpu(name, *text));
  }
  return gpus;
}

}  // namespace gpuinit::node
