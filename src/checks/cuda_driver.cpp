// cuda.driver: the driver can serve the CUDA runtime that torch was built for.
#include "checks/check.h"
#include "checks/driver_view.h"
#include "checks/finding_builder.h"
#include "checks/frameworks.h"
#include "checks/installed_packages.h"
#include "rules/driver_table.h"
#include "rules/tables/package_releases.h"

namespace gpuinit::checks {

namespace {

using Because = rules::ServiceAnswer::Because;
using rules::Service;

std::string compat_package(const rules::Version& runtime) {
  return "cuda-compat-" + std::to_string(runtime.major()) + "-" + std::to_string(runtime.minor());
}

// "CUDA 11.x or older": what this driver does serve.
std::string served_by(const rules::DriverStack& stack) {
  const auto& cuda = stack.cuda.cuda;
  const auto floor = rules::family_floor(cuda.major());
  if (floor && (!stack.kernel || *stack.kernel >= *floor))
    return "CUDA " + std::to_string(cuda.major()) + ".x or older";
  return "CUDA " + cuda.text() + " or older";
}

// The newest CUDA of PyTorch's own wheels that the driver serves without limits, or at all:
// "cu126". Empty: none.
std::string_view torch_backend(const rules::DriverStack& stack) {
  const rules::Version& cuda = stack.cuda.cuda;
  const auto floor = rules::family_floor(cuda.major());
  // A driver below the family's floor serves the one before.
  const unsigned family = cuda.major() - (stack.kernel && floor && *stack.kernel < *floor ? 1 : 0);
  std::string_view best;
  for (const rules::tables::TorchIndex& index : rules::tables::kTorchIndexes)
    if (index.cuda_major == family &&
        (best.empty() || cuda >= rules::Version{{index.cuda_major, index.cuda_minor}, ""}))
      best = index.name;
  return best;
}

// "a driver >= 525.60.13 on the node (570.26 for all features)".
std::string driver_wanted(const rules::Version& runtime) {
  const auto floor = rules::family_floor(runtime.major());
  const auto own = rules::driver_for_cuda(runtime);
  if (!floor && !own) return "a newer driver on the node";
  std::string text = "a driver >= " + rules::driver_text(floor ? *floor : *own) + " on the node";
  if (floor && own && *own > *floor)
    text += " (" + rules::driver_text(*own) + " or newer for everything CUDA " + runtime.text() +
            " can do)";
  return text;
}

// torch, or another framework.
struct Built {
  std::string name;
  std::string path;
};

Finding too_old(const Context& context, const DriverView& view, const Built& built,
                const rules::Version& runtime, Because because) {
  const auto& kernel = context.node.driver.kernel_version;
  const std::string driver = kernel ? "driver " + *kernel + " (" + view.cuda_words + ")"
                                    : "a driver for " + view.cuda_words;
  Finding finding =
      failure(kExitFit,
              joined({built.name, " needs CUDA ", runtime.text(), ", and the node has ", driver}));
  finding.needs = runtime.text();
  finding.has = view.stack->cuda.cuda.text();
  add_evidence(finding, "built for", joined({built.name, " built for"}),
               joined({"CUDA ", runtime.text(), ", in ", built.path}));
  add_evidence(finding, "driver serves", view.cuda_words + " (from " + view.source + ")");
  add_driver(finding, context.node.driver);
  finding.why =
      "The CUDA runtime refuses such a driver: \"CUDA driver version is insufficient for CUDA "
      "runtime version\" (error 35), \"The NVIDIA driver on your system is too old\".";
  if (because == Because::kBelowFloor && runtime.major() >= 11)
    finding.why += " Within one major version older drivers do, but not below " +
                   rules::driver_text(*rules::family_floor(runtime.major())) + ".";
  finding.fix =
      "Use " + driver_wanted(runtime) + ", or an image built for " + served_by(*view.stack);
  if (const std::string_view backend = torch_backend(*view.stack);
      !backend.empty() && built.name == "torch")
    finding.fix += " (" + torch_from_index(context.image, backend) + ")";
  finding.fix += ".";
  if (runtime.major() >= 11 && runtime.numbers.size() > 1 && !view.stack->forward_compat)
    finding.fix += " On data-center GPUs " + compat_package(runtime) +
                   " in the image can do instead, if it supports this driver.";
  return finding;
}

Finding compat_refused(const Context& context) {
  Finding finding = failure(
      kExitFit, "the forward-compatibility libcuda in front does not fit the node's kernel driver");
  add_driver(finding, context.node.driver);
  finding.why = "cuInit would end with error 803, and torch find no GPU.";
  finding.fix = "See cuda.compat: take the cuda-compat directory out of the library path.";
  return finding;
}

Findings judge_service(const Context& context, const DriverView& view, const Built& built,
                       const rules::Version& runtime) {
  const auto answer = rules::driver_serves(runtime, *view.stack);
  switch (answer.service) {
    case Service::kNewer:
    case Service::kForwardCompat:
    case Service::kMinorVersion:
      return {};  // its one limit, PTX, is judged by device.arch
    case Service::kUnknown:
      return unknown("driver " + context.node.driver.kernel_version.value_or("?") +
                     " is newer than the tables here: it serves " + view.cuda_words + ", and " +
                     built.name + " needs CUDA " + runtime.text());
    case Service::kNo:
      break;
  }
  // Reported by cuda.compat, unless the policy takes that less seriously.
  if (answer.because == Because::kCompatTooOld || answer.because == Because::kBranchNotListed)
    return compat_refused(context);

  Finding finding = too_old(context, view, built, runtime, answer.because);
  if (compat_may_still_come(context, view))
    return warning_only(std::move(finding),
                        "a shell of this NGC image may still put its cuda-compat in front");
  return finding;
}

// The libcudart that torch will get is of another major version than torch was
// built for: a library path puts the wrong CUDA in front.
std::optional<Finding> other_runtime(const Context& context, const rules::Version& built_for) {
  const auto& runtime = context.image.cuda_runtime;
  if (!runtime || !runtime->version) return std::nullopt;
  const auto version = rules::parse_version(*runtime->version);
  if (!version || version->major() == built_for.major()) return std::nullopt;
  Finding finding = warning("torch was built for CUDA " + built_for.text() +
                            ", and the libcudart it gets is of CUDA " + version->text());
  add_evidence(finding, "libcudart", runtime->path + " (" + runtime->found_by + ")");
  if (runtime->version_source) add_evidence(finding, "version from", *runtime->version_source);
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why =
      "CUDA libraries of different major versions do not work together: torch may not load, or "
      "fail in its first call.";
  finding.fix =
      "Take the other CUDA's directory out of LD_LIBRARY_PATH, or give torch its own libraries "
      "back (the nvidia-*-cu" +
      std::to_string(built_for.major()) + " packages, or the toolkit it was built with).";
  return finding;
}

Findings judge_torch(const Context& context, const DriverView& view) {
  const auto& torch = context.image.torch;
  if (torch.is_absent() || context.image.interpreter.is_absent())
    return skipped("no torch in the image");
  if (!torch) return unknown("torch is not known", torch.reason());
  if (torch->cuda.is_absent()) return skipped("torch is not a CUDA build");
  if (!torch->cuda)
    return unknown("cannot tell which CUDA torch was built for", torch->cuda.reason());
  auto runtime = rules::parse_version(*torch->cuda);
  if (!runtime) return unknown("torch's CUDA version: " + runtime.error().message);
  Findings findings = view.stack ? judge_service(context, view, {"torch", torch->path}, *runtime)
                                 : Findings{unknown(view.why_unknown)};
  if (auto finding = other_runtime(context, *runtime)) findings.push_back(*std::move(finding));
  return findings;
}

Findings judge_framework(const Context& context, const Framework& framework, const void* with) {
  const DriverView& view = *static_cast<const DriverView*>(with);
  if (!view.stack) return unknown(view.why_unknown);
  const auto runtime = rules::parse_version(framework.cuda.value_or(""));
  if (!runtime)
    return unknown("cannot tell which CUDA " + framework.name + " was built for",
                   framework.cuda.reason());
  return judge_service(context, view, {words_of(framework), framework.path}, *runtime);
}

Findings run(const Context& context) {
  const DriverView view = view_of_driver(context);
  Findings findings;
  if (!only_frameworks(context)) findings = judge_torch(context, view);
  add_of_frameworks(context, Hindered::kGpu, findings, judge_framework, &view);
  return findings;
}

}  // namespace

extern constexpr Check kCudaDriver{
    .id = "cuda.driver",
    .exit_codes = "66",
    .needs_gpu = true,
    .suppressed_by = "cuda.capabilities cuda.compat cuda.libcuda",
    .needs_certain_interpreter = true,
    .title = "the node's driver cannot serve the CUDA version that torch was built for",
    .looks_at =
        "The CUDA version in torch/version.py against the driver's (cuDriverGetVersion; without it "
        "the table of driver branches). A newer or equal driver serves it; one of the same major "
        "version does from the family's minimum on (CUDA 11: 450.80.02, 12: 525.60.13, 13: 580); a "
        "forward-compatibility libcuda does if it supports the kernel driver and the GPU. A branch "
        "that the table does not know is only judged where its lower bound is enough. Other "
        "frameworks "
        "go by the major version that their libraries or metadata name.",
    .why =
        "\"CUDA driver version is insufficient for CUDA runtime version\" (35), \"The NVIDIA "
        "driver on your system is too old\"; with a forward-compatibility libcuda that does not "
        "fit, errors 803 or 804.",
    .fix =
        "Use a node with a newer driver, or an image built for the CUDA version that the driver "
        "serves. On data-center GPUs the cuda-compat package in the image can help.",
    .source =
        "CUDA Toolkit release notes, \"CUDA Driver\"; NVIDIA CUDA Compatibility, minor version and "
        "forward compatibility",
    .run = run,
};

}  // namespace gpuinit::checks
