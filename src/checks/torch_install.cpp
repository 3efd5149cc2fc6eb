// torch.install: there is a whole torch, and nothing hides it.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"

namespace gpuinit::checks {

namespace {

// What lies at torch's place is not PyTorch: neither version.py nor an extension.
bool is_not_pytorch(const Torch& torch) {
  const bool no_extension = torch.soabis.empty() && torch.soabi.is_absent();
  const bool package = torch.path.empty() || torch.path.ends_with("/torch");
  return !package || (no_extension && !torch.version && !torch.metadata_version);
}

Finding shadowed(const Torch& torch) {
  Finding finding = failure(
      kExitImage, torch.path + " is found first and is not PyTorch" +
                      (torch.shadowed.empty() ? "" : "; it hides " + torch.shadowed.front()));
  add_evidence(finding, "found first", torch.path);
  add_evidence(finding, "sys.path entry", torch.sys_path_entry);
  if (!torch.shadowed.empty()) add_evidence(finding, "hidden", listed(torch.shadowed));
  finding.why =
      "Python imports the first `torch` on sys.path, and the working directory or the script's "
      "directory comes first. `import torch` would end with \"ModuleNotFoundError: No module named "
      "'torch._C'\" or \"module 'torch' has no attribute ...\".";
  finding.fix = torch.shadowed.empty() ? "Rename it, or install PyTorch in the image."
                                       : "Start the command in another working directory, rename "
                                         "it, or take its directory off PYTHONPATH.";
  return finding;
}

std::string files(std::size_t count, std::string_view are_what) {
  return joined({std::to_string(count), count == 1 ? " file is " : " files are ", are_what});
}

// What is there and damaged says how, in brackets.
bool is_damaged(const std::string& file) { return file.ends_with(')'); }

Finding incomplete(const Context& context, const std::vector<std::string>& missing) {
  const Torch& torch = *context.image.torch;
  const auto damaged = static_cast<std::size_t>(std::ranges::count_if(missing, is_damaged));
  const std::size_t absent = missing.size() - damaged;
  Finding finding =
      failure(kExitImage, joined({"the torch in ", torch.path,
                                  " is not whole: ", absent > 0 ? files(absent, "missing") : "",
                                  absent > 0 && damaged > 0 ? ", " : "",
                                  damaged > 0 ? files(damaged, "damaged") : ""}));
  if (missing.size() == 1 && missing.front().find('.') == std::string::npos)
    finding.summary = joined({"`import torch` needs ", missing.front(), ", which is not there"});
  add_evidence(finding, "torch", torch.path);
  finding.about = missing;
  add_evidence(finding, "missing", listed(missing));
  if (torch.version) add_evidence(finding, "version", *torch.version);
  if (torch.metadata_version) add_evidence(finding, "version in metadata", *torch.metadata_version);
  finding.why =
      "`import torch` would end with \"No module named ...\" or \"cannot open shared object "
      "file\", "
      "or give an empty namespace (\"module 'torch' has no attribute 'ones'\"). Interrupted "
      "installs, `--no-deps`, image layers that delete files and stray source checkouts look like "
      "this.";
  const std::string again = torch_again(context.image);
  if (context.image.packages && missing == std::vector<std::string>{"typing_extensions"})
    finding.fix = joined({"`", Installed(context.image).pip("install"), " typing-extensions`."});
  else if (!again.empty()) finding.fix = joined({"Install it again: ", again, "."});
  else
    finding.fix =
        "Remove torch from the image and install it again, with its requirements, in one layer.";
  return finding;
}

// A file that RECORD has and `import torch` does not ask for: torch opens it later, if at all.
bool is_opened_later(const Context& context, const std::string& file) {
  if (!file.starts_with("torch/lib/") || is_damaged(file) ||
      file.find("libtorch_global_deps") != std::string::npos)
    return false;
  const auto& loader = context.image.loader;
  return !loader || std::ranges::find(loader->problems.missing, base::basename(file),
                                      &MissingLibrary::name) == loader->problems.missing.end();
}

Finding lacks_what_is_opened_later(const Torch& torch) {
  Finding finding =
      warning(joined({"the torch in ", torch.path, " lacks ", listed(*torch.missing_files, 3),
                      ", which `import torch` does not need"}));
  finding.about = *torch.missing_files;
  add_evidence(finding, "torch", torch.path);
  finding.why =
      "`import torch` works. What opens such a library later ends with \"Error in dlopen: ... "
      "cannot open shared object file\": torch.linalg on a GPU (libtorch_cuda_linalg), kernels "
      "that torch compiles at run time (libcaffe2_nvrtc).";
  finding.fix = "Install torch again, if the command uses these.";
  return finding;
}

Finding no_torch(const Context& context) {
  Finding finding =
      failure(kExitImage, "the policy requires torch, and nothing on sys.path is called torch");
  const auto& python = context.image.interpreter;
  if (python) {
    add_interpreter(finding, *python);
    if (python->sys_path) add_evidence(finding, "sys.path", listed(*python->sys_path, 8));
    if (!python->sys_path_notes.empty())
      add_evidence(finding, "not followed", listed(python->sys_path_notes, 3));
  }
  finding.why = "`import torch` would end with \"ModuleNotFoundError: No module named 'torch'\".";
  finding.fix = "Install torch for this interpreter";
  finding.fix += context.interpreter_is_guess()
                     ? ", or name the interpreter that the command really runs with "
                       "python.interpreter in the policy."
                     : ", or run the command with the interpreter that has it.";
  return finding;
}

Findings run(const Context& context) {
  const auto& image = context.image;
  if (image.interpreter.is_absent()) {
    if (!context.policy.torch.required || context.suppressed_by("python.interpreter"))
      return skipped("no Python in the image");
    return no_torch(context);
  }
  if (image.torch.is_absent()) {
    if (context.policy.torch.required) return no_torch(context);
    return skipped("no torch in the image");
  }
  if (!image.torch) return unknown("cannot tell whether torch is installed", image.torch.reason());

  const Torch& torch = *image.torch;
  if (is_not_pytorch(torch)) return shadowed(torch);
  if (torch.missing_files && !torch.missing_files->empty())
    return std::ranges::all_of(*torch.missing_files,
                               [&](const auto& file) { return is_opened_later(context, file); })
               ? lacks_what_is_opened_later(torch)
               : incomplete(context, *torch.missing_files);
  if (torch.soabis.empty() && torch.soabi.is_absent())
    return incomplete(context, {torch.path + "/_C.*.so"});
  if (torch.missing_files.is_unknown())
    return unknown("cannot tell whether torch is whole", torch.missing_files.reason());
  return {};
}

}  // namespace

extern constexpr Check kTorchInstall{
    .id = "torch.install",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title =
        "torch is missing where the policy requires it, incomplete, or hidden by another torch/",
    .looks_at =
        "The first `torch` on the interpreter's sys.path: is it PyTorch, are the files and "
        "packages "
        "there that every installation has (torch/nn, from 2.6 on torchgen and typing_extensions), "
        "and does it hide a whole one further on. Without any torch the "
        "check fails only if the policy says torch.required = true. A library that `import torch` "
        "does not ask for (libtorch_cuda_linalg) is only a warning.",
    .why =
        "A directory torch/ or a file torch.py beside the script is imported instead of PyTorch; a "
        "torch that lost files to an interrupted install or a slimming step ends with \"No module "
        "named 'torch._C'\" or \"cannot open shared object file\".",
    .fix =
        "Start the command in another directory or rename the torch/ that hides PyTorch. Install "
        "an incomplete torch again, in one image layer.",
    .source = "Python documentation, \"Initialization of the sys.path module search path\"",
    .run = run,
};

}  // namespace gpuinit::checks
