// cuda.capabilities and cuda.module-loading: variables that leave CUDA out, or slow it down.
#include <algorithm>

#include "base/text.h"
#include "checks/check.h"
#include "checks/device_files.h"
#include "checks/evidence.h"
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

}  // namespace

Findings check_cuda_capabilities(const Context& context) {
  if (auto finding = context.no_gpu_needed()) return one(std::move(finding));
  const NodeFacts& node = context.node;
  const auto capabilities = context.variable("NVIDIA_DRIVER_CAPABILITIES");
  if (!capabilities || !leaves_compute_out(*capabilities)) return {};
  // Whoever brought a libcuda in another way needs no capability for it.
  if (!node.driver.libcuda.is_absent() || context.probe_loaded_libcuda()) return {};
  if (!runtime_was_here(node)) return {};
  Finding finding = failure(kExitNode, "NVIDIA_DRIVER_CAPABILITIES=" + *capabilities +
                                           " leaves CUDA out, and there is no libcuda.so.1");
  add_driver(finding, node.driver);
  if (node.driver.libnvidia_ml) note(finding, "libnvidia-ml.so.1", *node.driver.libnvidia_ml);
  add_variables(finding, context, {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"});
  finding.why =
      "The container runtime brings libcuda.so.1 only for the capability `compute`. nvidia-smi may "
      "work all the same and show \"CUDA Version: N/A\"; torch says \"Found no NVIDIA driver on "
      "your system\".";
  finding.fix =
      "Set NVIDIA_DRIVER_CAPABILITIES=compute,utility (or all) in the image or where the container "
      "is started, and start it anew.";
  return one(finding);
}

Findings check_cuda_module_loading(const Context& context) {
  if (auto finding = context.no_gpu_needed()) return one(std::move(finding));
  const auto value = context.variable("CUDA_MODULE_LOADING");
  if (!value || value->empty() || *value == "LAZY" || *value == "DEFAULT") return {};
  if (*value != "EAGER")
    return one(unknown("CUDA_MODULE_LOADING=" + base::printable(*value, 60) +
                       " is none of DEFAULT, LAZY and EAGER, so the driver's default holds"));
  Finding finding = failure(kExitImage, "CUDA_MODULE_LOADING=EAGER loads every kernel at start");
  add_variables(finding, context, {"CUDA_MODULE_LOADING"});
  finding.why =
      "torch sets LAZY itself if the variable is not set. With EAGER the first CUDA call loads all "
      "of torch's kernels: that takes seconds, and hundreds of megabytes on every GPU and for "
      "every process.";
  finding.fix =
      "Remove CUDA_MODULE_LOADING from the environment, unless it was set to measure without the "
      "delay of first calls.";
  return one(finding);
}

}  // namespace gpuinit::checks
