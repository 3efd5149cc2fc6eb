// torch.install and torch.cuda-build: is there a whole torch, and is it one for GPUs.
#include <algorithm>

#include "base/gpu_device_path.h"
#include "checks/check.h"
#include "checks/evidence.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// What lies at torch's place is no PyTorch: neither version.py nor an extension.
bool is_not_pytorch(const Torch& torch) {
  const bool no_extension = torch.soabis.empty() && torch.soabi.is_absent();
  const bool package = torch.path.empty() || torch.path.ends_with("/torch");
  return !package || (no_extension && !torch.version);
}

Finding shadowed(const Torch& torch) {
  Finding finding = failure(
      kExitImage, torch.path + " is found first and is not PyTorch" +
                      (torch.shadowed.empty() ? "" : "; it hides " + torch.shadowed.front()));
  note(finding, "found first", torch.path);
  note(finding, "sys.path entry", torch.sys_path_entry);
  if (!torch.shadowed.empty()) note(finding, "hidden", listed(torch.shadowed));
  finding.why =
      "Python imports the first `torch` on sys.path, and the working directory or the script's "
      "directory comes first. `import torch` would end with \"ModuleNotFoundError: No module named "
      "'torch._C'\" or \"module 'torch' has no attribute ...\".";
  finding.fix = torch.shadowed.empty()
                    ? "Rename it, or install PyTorch in the image."
                    : "Start the command in another working directory, rename it, or take its "
                      "directory off PYTHONPATH.";
  return finding;
}

Finding incomplete(const Torch& torch, const std::vector<std::string>& missing) {
  Finding finding =
      failure(kExitImage, "the torch in " + torch.path +
                              " is not whole: " + std::to_string(missing.size()) +
                              (missing.size() == 1 ? " file is missing" : " files are missing"));
  note(finding, "torch", torch.path);
  note(finding, "missing", listed(missing));
  if (torch.version) note(finding, "version", *torch.version);
  if (torch.metadata_version) note(finding, "version in metadata", *torch.metadata_version);
  finding.why =
      "`import torch` would end with \"No module named 'torch._C'\" or \"cannot open shared object "
      "file\". Interrupted installs, image layers that delete files and stray source checkouts "
      "look like this.";
  finding.fix = "Remove torch from the image and install it again, in one layer.";
  return finding;
}

Finding no_torch(const Context& context) {
  Finding finding =
      failure(kExitImage, "the policy requires torch, and nothing on sys.path is called torch");
  const auto& python = context.image.interpreter;
  if (python) {
    add_interpreter(finding, *python);
    if (python->sys_path) note(finding, "sys.path", listed(*python->sys_path, 8));
    if (!python->sys_path_notes.empty())
      note(finding, "not followed", listed(python->sys_path_notes, 3));
  }
  finding.why = "`import torch` would end with \"ModuleNotFoundError: No module named 'torch'\".";
  finding.fix = "Install torch for this interpreter";
  finding.fix += context.interpreter_is_guess()
                     ? ", or name the interpreter that the command really runs with "
                       "python.interpreter in the policy."
                     : ", or run the command with the interpreter that has it.";
  return finding;
}

// A GPU is plainly there, asked for or not.
bool gpu_in_sight(const NodeFacts& node) {
  if (node.devices) return !node.devices->empty();
  return node.device_nodes.known() &&
         std::any_of(node.device_nodes->begin(), node.device_nodes->end(), [](const auto& device) {
           return device.open_errno == 0 && base::is_gpu_device(device.path);
         });
}

}  // namespace

Findings check_torch_install(const Context& context) {
  const auto& image = context.image;
  if (image.interpreter.is_absent()) {
    if (!context.policy.torch.required ||
        context.explained_by("torch.install", "python.interpreter"))
      return one(skipped("no Python in the image"));
    return {no_torch(context)};
  }
  if (image.torch.is_absent()) {
    if (context.policy.torch.required) return {no_torch(context)};
    return one(skipped("no torch in the image"));
  }
  if (!image.torch)
    return one(unknown("cannot tell whether torch is installed" + because(image.torch.reason())));

  const Torch& torch = *image.torch;
  if (is_not_pytorch(torch)) return {shadowed(torch)};
  if (torch.missing_files && !torch.missing_files->empty())
    return {incomplete(torch, *torch.missing_files)};
  if (torch.soabis.empty() && torch.soabi.is_absent())
    return {incomplete(torch, {torch.path + "/_C.*.so"})};
  if (torch.missing_files.is_unknown())
    return one(
        unknown("cannot tell whether torch is whole" + because(torch.missing_files.reason())));
  return {};
}

Findings check_torch_cuda_build(const Context& context) {
  const auto& image = context.image;
  if (context.policy.gpu.required == GpuRequired::kNo)
    return one(skipped("the policy says that no GPU is needed"));
  if (image.interpreter.is_absent() || image.torch.is_absent())
    return one(skipped("no torch in the image"));
  if (context.explained_by("torch.cuda-build", "torch.install"))
    return one(skipped("torch.install failed"));
  if (!image.torch) return one(unknown("torch is not known" + because(image.torch.reason())));

  const Torch& torch = *image.torch;
  if (torch.cuda) return {};
  if (!torch.cuda.is_absent() && !torch.hip)
    return one(unknown("cannot tell whether torch is a CUDA build" + because(torch.cuda.reason())));
  const bool required = context.policy.gpu.required == GpuRequired::kYes;
  if (!required && !gpu_in_sight(context.node)) return {};

  const std::string build = torch.hip ? "a ROCm build" : "a CPU-only build";
  const std::string summary =
      "torch " + torch.version.value_or("") + (torch.version ? " is " : "is ") + build +
      (required ? ", and the policy requires a GPU" : ", and this container has an NVIDIA GPU");
  // On "auto" it may be meant: a CPU torch beside JAX or vLLM's own build.
  Finding finding = required ? failure(kExitImage, summary) : warning(summary);
  note(finding, "torch", torch.path);
  if (torch.version) note(finding, "version", *torch.version);
  note(finding, "torch.version.cuda", "None");
  if (torch.hip) note(finding, "torch.version.hip", *torch.hip);
  finding.why =
      "torch.cuda.is_available() is False: \"AssertionError: Torch not compiled with CUDA "
      "enabled\" "
      "at the first .cuda(), or everything runs slowly on the CPU. A later `pip install` often "
      "replaces a CUDA build unnoticed.";
  finding.fix =
      "Install a CUDA build of torch in the image (index URL https://download.pytorch.org/whl/ and "
      "cu126, cu128, ...), after everything else that depends on torch. If no GPU is wanted, set "
      "gpu.required = \"no\" in the policy.";
  return one(finding);
}

}  // namespace gpuinit::checks
