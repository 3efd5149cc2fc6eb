// device.permissions: a device file that CUDA needs is missing, or may not be opened.
#include <algorithm>
#include <array>
#include <cstring>

#include "checks/check.h"
#include "checks/device_files.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

Finding denied(const Context& context, const std::vector<DeviceNode>& nodes) {
  std::vector<std::string> names;
  for (const DeviceNode& node : nodes) names.push_back(node.path);
  Finding finding =
      failure(kExitPermission,
              listed(names, 4) + " may not be opened: " + ::strerror(nodes.front().open_errno));
  add_device_evidence(finding, context);
  finding.why =
      "The container's device rules or the file's permissions forbid it. CUDA then "
      "sees no GPU, and NVML says \"Failed to initialize NVML: Unknown Error\". A `systemctl "
      "daemon-reload` on the node takes the rule from running containers.";
  finding.fix =
      "Start a new container with the device allowed (the NVIDIA runtime or a CDI device does; a "
      "plain bind mount of /dev does not). For a non-root user also look at the mode and group of "
      "/dev/nvidia*.";
  return finding;
}

// cuInit's errors that a missing file ends in: no device, the system refused, unknown.
bool missing_file_says_so(int error) {
  constexpr std::array<int, 3> kErrors{100, 304, 999};
  return std::find(kErrors.begin(), kErrors.end(), error) != kErrors.end();
}

// A GPU's file is there and opens, and one of the two that go with every GPU is not there.
// WSL and Tegra have other files; there the release of the kernel driver is not known.
std::vector<std::string> missing_nodes(const NodeFacts& node) {
  std::vector<std::string> missing;
  if (open_gpus(node).empty() || !node.driver.kernel_version) return missing;
  for (const char* path : {"/dev/nvidiactl", "/dev/nvidia-uvm"})
    if (std::none_of(node.device_nodes->begin(), node.device_nodes->end(),
                     [&](const DeviceNode& device) { return device.path == path; }))
      missing.emplace_back(path);
  return missing;
}

Finding absent(const Context& context, const std::vector<std::string>& missing) {
  Finding finding = failure(kExitNode, listed(missing) + (missing.size() == 1 ? " is" : " are") +
                                           " missing, and the driver does not start");
  add_device_evidence(finding, context);
  finding.why =
      "CUDA needs it beside /dev/nvidia0 and its like. torch would say \"CUDA unknown error\" "
      "(999), or find no GPU.";
  finding.fix =
      "Start the container with the NVIDIA runtime or a CDI device, which bring every file; with "
      "--device, name all of them. If the node itself has no /dev/nvidia-uvm, load its module "
      "there "
      "(`nvidia-modprobe -u -c=0`).";
  return finding;
}

Findings run(const Context& context) {
  // A driver that shows its devices has all the files that it needs.
  if (context.sees_devices()) return {};
  if (auto skip =
          context.skip_if_failed("cuda.capabilities cuda.compat cuda.libcuda cuda.visible-devices"))
    return skip;
  const auto& run = context.node.probe;
  if (run && run->outcome == ProbeRun::Outcome::kTimedOut) return {};
  if (context.sees_no_device() && context.wants(0)) return {};
  if (!context.node.device_nodes)
    return unknown("the device files are not known", context.node.device_nodes.reason());
  if (const auto nodes = denied_nodes(context.node); !nodes.empty()) return denied(context, nodes);
  // Before the first program uses CUDA, its own libcuda may still make the files.
  const auto init = context.init_error();
  if (init && missing_file_says_so(*init))
    if (const auto missing = missing_nodes(context.node); !missing.empty())
      return absent(context, missing);
  return {};
}

}  // namespace

extern constexpr Check kDevicePermissions{
    .id = "device.permissions",
    .exit_codes = "69 or 77",
    .needs_gpu = true,
    .title = "a device file that CUDA needs is missing, or may not be opened",
    .looks_at =
        "The errno of opening /dev/nvidia0 and its like, /dev/nvidiactl and /dev/nvidia-uvm, where "
        "the driver has shown no device. 77: one may not be opened (a closed GPU among open ones "
        "is another container's; nvidia-modeset and others do not matter). 69: a GPU's file opens, "
        "/dev/nvidiactl or /dev/nvidia-uvm is missing, and cuInit says 100, 304 or 999.",
    .why =
        "\"CUDA unknown error\" (999), \"No CUDA GPUs are available\", \"Failed to initialize "
        "NVML: Unknown Error\". A `systemctl daemon-reload` on the node can take the device rules "
        "from a running container.",
    .fix =
        "Start a new container with the NVIDIA runtime or a CDI device, which bring every file and "
        "its rule. For a non-root user look at the mode and group of /dev/nvidia*. If the node has "
        "no /dev/nvidia-uvm, load that module there.",
    .source =
        "NVIDIA Container Toolkit documentation, \"Troubleshooting\"; cgroups(7), device "
        "controller",
    .run = run,
};

}  // namespace gpuinit::checks
