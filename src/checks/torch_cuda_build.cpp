// torch.cuda-build: a GPU is expected, and torch is a CPU-only or ROCm build.
#include <algorithm>

#include "base/gpu_device_path.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "rules/python_version.h"

namespace gpuinit::checks {

namespace {

// A GPU is plainly there, asked for or not.
bool gpu_in_sight(const NodeFacts& node) {
  if (node.devices) return !node.devices->empty();
  return node.device_nodes.known() &&
         std::any_of(node.device_nodes->begin(), node.device_nodes->end(), [](const auto& device) {
           return device.open_errno == 0 && base::is_gpu_device(device.path);
         });
}

// ": `pip install …`": what PyPI has for x86-64 is a CUDA build.
std::string how_to_install(const ImageFacts& image) {
  const auto& python = *image.interpreter;
  if (!image.packages || !python.machine || *python.machine != "x86_64") return "";
  const std::string version = image.torch->version.value_or("");
  const auto parsed = rules::parse_python_version(version);
  const std::string release = version.substr(0, version.find('+'));
  return joined({": `", Installed(image).pip("install"), " --force-reinstall ",
                 parsed && !parsed->is_prerelease() ? joined({"'torch==", release, "'"}) : "torch",
                 "`"});
}

Findings run(const Context& context) {
  const auto& image = context.image;
  if (context.policy.gpu.required == GpuRequired::kNo)
    return skipped("the policy says that no GPU is needed");
  if (image.interpreter.is_absent() || image.torch.is_absent())
    return skipped("no torch in the image");
  if (auto skip = context.skip_if_failed("torch.install")) return skip;
  if (!image.torch) return unknown("torch is not known", image.torch.reason());

  const Torch& torch = *image.torch;
  if (torch.cuda) return {};
  if (!torch.cuda.is_absent() && !torch.hip)
    return unknown("cannot tell whether torch is a CUDA build", torch.cuda.reason());
  const bool required = context.policy.gpu.required == GpuRequired::kYes;
  if (!required && !gpu_in_sight(context.node)) return {};

  const std::string build = torch.hip ? "a ROCm build" : "a CPU-only build";
  const std::string summary =
      "torch " + torch.version.value_or("") + (torch.version ? " is " : "is ") + build +
      (required ? ", and the policy requires a GPU" : ", and this container has an NVIDIA GPU");
  // On "auto" it may be meant: a CPU torch beside JAX or vLLM's own build.
  Finding finding = required ? failure(kExitImage, summary) : warning(summary);
  add_evidence(finding, "torch", torch.path);
  if (torch.version) add_evidence(finding, "version", *torch.version);
  add_evidence(finding, "torch.version.cuda", "None");
  if (torch.hip) add_evidence(finding, "torch.version.hip", *torch.hip);
  finding.why =
      "torch.cuda.is_available() is False: \"AssertionError: Torch not compiled with CUDA "
      "enabled\" at the first .cuda(), or everything runs slowly on the CPU. A later `pip install` "
      "often replaces a CUDA build unnoticed.";
  finding.fix = joined({"Install a CUDA build of torch", how_to_install(image),
                        ", after everything else that depends on torch. If no GPU is wanted, set "
                        "gpu.required = \"no\" in the policy."});
  return finding;
}

}  // namespace

extern constexpr Check kTorchCudaBuild{
    .id = "torch.cuda-build",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "a GPU is expected, and torch is a CPU-only or ROCm build",
    .looks_at =
        "`cuda` and `hip` in torch/version.py. With gpu.required = \"yes\" a build without CUDA "
        "fails; with \"auto\" it is a warning, and only if an NVIDIA GPU is in sight.",
    .why =
        "torch.cuda.is_available() is False: \"AssertionError: Torch not compiled with CUDA "
        "enabled\", or a job that silently computes on the CPU beside a GPU that costs money. A "
        "later `pip install` that pulls torch from another index is the usual culprit.",
    .fix =
        "Install a CUDA build of torch (https://download.pytorch.org/whl/cu128 and its neighbours) "
        "after everything that depends on torch, or pin it in a constraints file. If no GPU is "
        "wanted, set gpu.required = \"no\".",
    .source = "PyTorch, tools/generate_torch_version.py; https://pytorch.org/get-started/locally/",
    .run = run,
};

}  // namespace gpuinit::checks
