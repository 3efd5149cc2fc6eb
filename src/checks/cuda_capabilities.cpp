// cuda.capabilities: NVIDIA_DRIVER_CAPABILITIES leaves CUDA out.
#include <algorithm>

#include "base/text.h"
#include "checks/check.h"
#include "checks/device_files.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// NVIDIA_DRIVER_CAPABILITIES is a list with commas; `all` is everything. Empty or unset, the
// container runtime takes its default, which has compute in it.
bool leaves_compute_out(const std::string& capabilities) {
  if (base::trim(capabilities).empty()) return false;
  const auto names = base::split(capabilities, ',');
  return std::none_of(names.begin(), names.end(), [](auto name) {
    return base::trim(name) == "compute" || base::trim(name) == "all";
  });
}

// The container runtime did bring something: then it is the list that kept libcuda away.
bool runtime_was_here(const NodeFacts& node) {
  return node.driver.libnvidia_ml.known() || !open_gpus(node).empty();
}

Findings run(const Context& context) {
  const NodeFacts& node = context.node;
  const auto capabilities = context.variable("NVIDIA_DRIVER_CAPABILITIES");
  if (!capabilities || !leaves_compute_out(*capabilities)) return {};
  // A libcuda that came in another way needs no capability.
  if (!node.driver.libcuda.is_absent() || context.probe_loaded_libcuda()) return {};
  if (!runtime_was_here(node)) return {};
  Finding finding = failure(kExitNode, "NVIDIA_DRIVER_CAPABILITIES=" + *capabilities +
                                           " leaves CUDA out, and there is no libcuda.so.1");
  add_driver(finding, node.driver);
  if (node.driver.libnvidia_ml)
    add_evidence(finding, "libnvidia-ml.so.1", *node.driver.libnvidia_ml);
  add_variables(finding, context, {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"});
  finding.why =
      "The container runtime brings libcuda.so.1 only for the capability `compute`. nvidia-smi may "
      "still work and show \"CUDA Version: N/A\"; torch says \"Found no NVIDIA driver on your "
      "system\".";
  finding.fix =
      "Set NVIDIA_DRIVER_CAPABILITIES=compute,utility (or all) in the image or where the container "
      "is started, and start it again.";
  return finding;
}

}  // namespace

extern constexpr Check kCudaCapabilities{
    .id = "cuda.capabilities",
    .exit_codes = "69",
    .needs_gpu = true,
    .title = "NVIDIA_DRIVER_CAPABILITIES leaves CUDA out",
    .looks_at =
        "NVIDIA_DRIVER_CAPABILITIES, where the loader finds no libcuda.so.1 although the container "
        "runtime brought libnvidia-ml or a GPU. The list must have `compute` or `all`; unset or "
        "empty it gets the runtime's default. A libcuda that came in another way passes.",
    .why =
        "nvidia-smi works and shows \"CUDA Version: N/A\", and torch says \"Found no NVIDIA driver "
        "on your system\": the runtime leaves libcuda away.",
    .fix =
        "Set NVIDIA_DRIVER_CAPABILITIES=compute,utility in the image or where the container is "
        "started.",
    .source =
        "NVIDIA Container Toolkit documentation, \"Driver Capabilities\"; libnvidia-container, "
        "src/nvc_info.c",
    .run = run,
};

}  // namespace gpuinit::checks
