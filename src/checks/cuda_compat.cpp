// cuda.compat: a forward-compatibility libcuda is active where it cannot work, or unused
// where it would help; or an old libcuda of the image hides the node's own.
#include <algorithm>

#include "base/text.h"
#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/driver_view.h"
#include "checks/finding_builder.h"
#include "rules/cuda_error.h"

namespace gpuinit::checks {

namespace {

using Because = rules::ServiceAnswer::Because;
using rules::Service;

constexpr int kSystemDriverMismatch = 803;
constexpr int kCompatNotSupported = 804;

Finding does_not_fit(const Context& context, const std::string& summary, const std::string& why) {
  Finding finding = failure(kExitFit, summary);
  const Driver& driver = context.node.driver;
  add_driver(finding, driver);
  if (driver.libcuda->compat_note) {
    std::vector<std::string> branches;
    for (const int branch : driver.libcuda->compat_note->driver_branches)
      branches.push_back(std::to_string(branch));
    if (!branches.empty()) add_evidence(finding, "supported driver branches", listed(branches, 20));
  }
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why = why;
  finding.fix =
      "Take the cuda-compat directory out of LD_LIBRARY_PATH and /etc/ld.so.conf.d, so that the "
      "node's own libcuda is loaded; if that is too old for torch, use a node with a newer driver "
      "or an image built for an older CUDA.";
  return finding;
}

// Forward compatibility is for data-center GPUs; the driver says 804 on others. The name if every
// device is a GeForce, else nullopt.
std::optional<std::string> geforce(const NodeFacts& node) {
  std::vector<Fact<std::string>> names;
  if (node.devices)
    for (const Device& device : *node.devices) names.push_back(device.name);
  else if (node.kernel_gpus)
    for (const KernelGpu& gpu : *node.kernel_gpus) names.push_back(gpu.name);
  const bool all = std::all_of(names.begin(), names.end(), [](const auto& name) {
    return name.known() && name->find("GeForce") != std::string::npos;
  });
  if (names.empty() || !all) return std::nullopt;
  return *names.front();
}

std::optional<Finding> judge_active(const Context& context, const DriverView& view) {
  const auto init = context.init_error();
  if (init == kSystemDriverMismatch || init == kCompatNotSupported)
    return does_not_fit(context,
                        "the forward-compatibility libcuda in front does not work on this node",
                        "cuInit says " + rules::cuda_error_words(*init) + ".");
  if (init == 0 || !view.stack || !view.stack->kernel) return std::nullopt;
  const auto& stack = *view.stack;
  if (stack.libcuda && stack.kernel->major() < stack.libcuda->major())
    if (const auto name = geforce(context.node))
      return does_not_fit(context,
                          "a forward-compatibility libcuda is in front, and the GPU is a " + *name,
                          "Forward compatibility works on data-center GPUs only: \"forward "
                          "compatibility was attempted on non supported HW\" (error 804).");
  const auto refused = rules::compat_refused(stack);
  if (!refused) return std::nullopt;
  if (refused->because == Because::kCompatTooOld)
    return does_not_fit(
        context,
        "the forward-compatibility libcuda in front is older than the node's kernel driver",
        "A libcuda cannot stand on a newer kernel driver: \"system has unsupported display driver "
        "/ cuda driver combination\" (error 803).");
  return does_not_fit(
      context, "the forward-compatibility libcuda in front does not support this kernel driver",
      "Its own list of driver branches leaves this one out: \"system has unsupported display "
      "driver / cuda driver combination\" (error 803).");
}

// The image's own libcuda is found before the one that belongs to this kernel driver.
std::optional<Finding> stale_libcuda(const Context& context, const LibCuda& library) {
  if (context.init_error() == 0 || library.kind != "driver" || is_wsl(context.node))
    return std::nullopt;
  const auto kernel = driver_release(context.node.driver.kernel_version);
  const auto release = driver_release(library.version);
  if (!kernel || !release || !releases_differ(*kernel, *release)) return std::nullopt;
  const auto right =
      std::find_if(library.hides.begin(), library.hides.end(), [&](const std::string& path) {
        constexpr std::string_view kStem = "libcuda.so.";
        const auto at = path.rfind(kStem);
        if (at == std::string::npos) return false;
        const auto hidden = driver_release(path.substr(at + kStem.size()));
        return hidden && !releases_differ(*kernel, *hidden);
      });
  if (right == library.hides.end()) return std::nullopt;
  Finding finding = failure(kExitFit, "a libcuda.so.1 of driver " + *library.version +
                                          " hides the one of this node's driver " +
                                          *context.node.driver.kernel_version);
  add_driver(finding, context.node.driver);
  add_evidence(finding, "hidden", *right);
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why =
      "libcuda and kernel driver must be of one release: \"system has unsupported display driver / "
      "cuda driver combination\" (error 803). The older one came with the image; it works only on "
      "nodes that happen to have its release.";
  finding.fix = "Remove " + library.path +
                " from the image (packages such as libcuda1 or libnvidia-compute-*), or take its "
                "directory out of LD_LIBRARY_PATH.";
  return finding;
}

// The driver as it would be with this library in front; nullopt if that is not known.
std::optional<rules::DriverStack> stack_with(const CompatLibrary& library,
                                             const rules::DriverStack& now) {
  rules::DriverStack stack;
  stack.kernel = now.kernel;
  stack.forward_compat = true;
  stack.libcuda = driver_release(library.version);
  if (!stack.libcuda || !stack.kernel || stack.libcuda->major() <= stack.kernel->major())
    return std::nullopt;
  if (library.note) {
    auto version = rules::parse_version(library.note->cuda_version);
    if (!version) return std::nullopt;
    stack.cuda = {std::move(version).value(), true};
    stack.supported_branches = library.note->driver_branches;
  } else {
    const auto native = rules::native_cuda_of_driver(*stack.libcuda);
    if (!native || !native->exact) return std::nullopt;
    stack.cuda = *native;
  }
  return stack;
}

// What the driver as it is cannot do for torch: "torch needs CUDA 12.8", or the PTX of some
// GPU. `cuda` is the driver's CUDA version that would do.
struct Want {
  std::string words;
  rules::Version cuda;
};

std::optional<Want> unserved(const Context& context, const rules::DriverStack& now,
                             const rules::Version& runtime) {
  const auto answer = rules::driver_serves(runtime, now);
  if (answer.service == Service::kNo) return Want{"torch needs CUDA " + runtime.text(), runtime};
  if (!context.node.devices) return std::nullopt;
  const auto code = code_of(*context.image.torch);
  const DriverJit jit(context);
  if (!code || jit.disabled()) return std::nullopt;
  for (const Device& device : *context.node.devices) {
    const auto capability = capability_of(device);
    if (!capability) continue;
    const Coverage coverage = coverage_of(code->groups, *capability, jit.rule());
    if (verdict_of(coverage) != CoverageVerdict::kBlocked) continue;
    const auto needed = jit.needs(coverage.blocked_isa);
    if (needed && needed->exact)
      return Want{"torch's PTX needs a driver for CUDA " + needed->cuda.text(), needed->cuda};
  }
  return std::nullopt;
}

// A library in the image would serve torch where the driver alone does not.
std::optional<Finding> unused(const Context& context, const DriverView& view) {
  const auto& image = context.image;
  if (!image.torch || !image.torch->cuda || !image.compat_libraries) return std::nullopt;
  if (!view.stack || view.stack->forward_compat || geforce(context.node)) return std::nullopt;
  if (compat_may_still_come(context, view)) return std::nullopt;
  const auto runtime = rules::parse_version(*image.torch->cuda);
  if (!runtime) return std::nullopt;
  const auto want = unserved(context, *view.stack, *runtime);
  if (!want) return std::nullopt;
  for (const CompatLibrary& library : *image.compat_libraries) {
    const auto stack = stack_with(library, *view.stack);
    if (!stack || rules::compat_refused(*stack) || stack->cuda.cuda < want->cuda) continue;
    Finding finding = warning(want->words + ", and the image's cuda-compat for CUDA " +
                              stack->cuda.cuda.text() + " is not in use");
    add_evidence(finding, "cuda-compat", library.real_path);
    add_driver(finding, context.node.driver);
    add_variables(finding, context, {"LD_LIBRARY_PATH"});
    finding.why =
        "On data-center GPUs that library serves torch on this kernel driver, if the loader finds "
        "it first. Where the image's entrypoint puts it in front, a Kubernetes `command:` or "
        "--entrypoint has replaced that entrypoint.";
    finding.fix = "Set LD_LIBRARY_PATH=" + library.directory +
                  ":$LD_LIBRARY_PATH for the container, or start the image's own entrypoint "
                  "(Kubernetes: `args:` in place of `command:`).";
    return finding;
  }
  return std::nullopt;
}

Findings run(const Context& context) {
  const auto& library = context.node.driver.libcuda;
  const DriverView view = view_of_driver(context);
  if (library && library->kind == "forward-compat") {
    auto finding = judge_active(context, view);
    return finding;
  }
  if (library)
    if (auto finding = stale_libcuda(context, *library)) return finding;
  if (auto finding = unused(context, view)) return finding;
  return {};
}

}  // namespace

extern constexpr Check kCudaCompat{
    .id = "cuda.compat",
    .exit_codes = "66",
    .needs_gpu = true,
    .suppressed_by = "cuda.capabilities",
    .title = "a forward-compatibility libcuda is active where it cannot work, or unused",
    .looks_at =
        "Whether the libcuda.so.1 in front comes from a cuda-compat package: then its release and "
        "the driver branches in its note (.note.cuda.fwd_compatibility) against the kernel "
        "driver's, the names of the GPUs (it is for data-center GPUs), and cuInit's errors 803 and "
        "804. Also a libcuda of the image that hides the one which belongs to the kernel driver, "
        "and, as a warning, a cuda-compat in /usr/local/cuda*/compat that is not in use where this "
        "driver alone does not serve torch, or cannot compile its PTX. A libcuda that initialises "
        "passes.",
    .why =
        "\"system has unsupported display driver / cuda driver combination\" (803), \"forward "
        "compatibility was attempted on non supported HW\" (804). A cuda-compat that a Kubernetes "
        "`command:` has switched off with the entrypoint leaves \"CUDA driver version is "
        "insufficient\" or \"the provided PTX was compiled with an unsupported toolchain\" (222).",
    .fix =
        "Take a cuda-compat or a libcuda that does not fit out of LD_LIBRARY_PATH and "
        "/etc/ld.so.conf.d. Where it would help, put its directory first in LD_LIBRARY_PATH, or "
        "keep the image's entrypoint (Kubernetes: `args:` in place of `command:`).",
    .source =
        "NVIDIA CUDA Compatibility, \"Forward Compatibility\"; NVIDIA container toolkit, "
        "cmd/nvidia-cdi-hook/cudacompat; cuda.h, enum cudaError_enum",
    .run = run,
};

}  // namespace gpuinit::checks
