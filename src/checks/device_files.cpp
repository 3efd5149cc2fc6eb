#include "checks/device_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/gpu_device_path.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

bool is_essential(std::string_view path) {
  return base::is_gpu_device(path) || path == "/dev/nvidiactl" || path == "/dev/nvidia-uvm";
}

}  // namespace

std::size_t gpu_files(const NodeFacts& node) {
  if (!node.device_nodes) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(*node.device_nodes, base::is_gpu_device, &DeviceNode::path));
}

std::vector<DeviceNode> denied_nodes(const NodeFacts& node) {
  std::vector<DeviceNode> denied;
  if (!node.device_nodes) return denied;
  for (const DeviceNode& device : *node.device_nodes)
    if (is_essential(device.path) && (device.open_errno == EACCES || device.open_errno == EPERM))
      denied.push_back(device);
  if (!open_gpus(node).empty())
    std::erase_if(denied,
                  [](const DeviceNode& device) { return base::is_gpu_device(device.path); });
  return denied;
}

std::vector<std::string> open_gpus(const NodeFacts& node) {
  std::vector<std::string> gpus;
  if (!node.device_nodes) return gpus;
  for (const DeviceNode& device : *node.device_nodes)
    if (base::is_gpu_device(device.path) && device.path != base::kWslDevice &&
        device.open_errno == 0)
      gpus.push_back(device.path);
  return gpus;
}

void add_device_evidence(Finding& finding, const Context& context) {
  const auto& node = context.node;
  add_kernel_driver(finding, node.driver);
  if (node.device_nodes) {
    std::vector<std::string> nodes;
    for (const DeviceNode& device : *node.device_nodes)
      if (is_essential(device.path))
        nodes.push_back(device.path +
                        (device.open_errno == 0
                             ? ""
                             : std::string(" (") + ::strerror(device.open_errno) + ")"));
    add_evidence(finding, "device nodes", nodes.empty() ? "none" : listed(nodes, 12));
  }
  add_variables(finding, context, {"NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"});
}

}  // namespace gpuinit::checks
