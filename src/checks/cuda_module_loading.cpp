// cuda.module-loading: the environment makes CUDA load every kernel at start.
#include "base/text.h"
#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

Findings run(const Context& context) {
  const auto value = context.variable("CUDA_MODULE_LOADING");
  if (!value || value->empty() || *value == "LAZY" || *value == "DEFAULT") return {};
  if (*value != "EAGER")
    return note(unknown("CUDA_MODULE_LOADING=" + base::printable(*value, 60) +
                        " is not DEFAULT, LAZY or EAGER, so the driver's default holds"));
  Finding finding = failure(kExitImage, "CUDA_MODULE_LOADING=EAGER loads every kernel at start");
  add_variables(finding, context, {"CUDA_MODULE_LOADING"});
  finding.why =
      "torch sets LAZY itself if the variable is not set. With EAGER the first CUDA call loads all "
      "of torch's kernels: that takes seconds, and hundreds of megabytes on every GPU and for "
      "every process.";
  finding.fix =
      "Remove CUDA_MODULE_LOADING from the environment, unless it was set to measure without the "
      "delay of first calls.";
  return finding;
}

}  // namespace

extern constexpr Check kCudaModuleLoading{
    .id = "cuda.module-loading",
    .level = Level::kWarn,
    .exit_codes = "65",
    .needs_gpu = true,
    .title = "the environment makes CUDA load every kernel at start",
    .looks_at = "CUDA_MODULE_LOADING=EAGER. LAZY and DEFAULT are fine, other values are noted.",
    .why =
        "torch asks for LAZY itself, unless the variable is set. EAGER loads all of its kernels "
        "with the first call: seconds more at start, and hundreds of megabytes of memory on every "
        "GPU.",
    .fix = "Remove CUDA_MODULE_LOADING from the environment.",
    .source = "CUDA Programming Guide, \"Lazy Loading\"; PyTorch pull request 86509",
    .run = run,
};

}  // namespace gpuinit::checks
