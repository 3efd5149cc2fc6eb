// extension.arch: a visible GPU finds no code in an extension that it can run.
//
// Judged by packages, not by files: many bring a library for each generation of GPUs and
// choose at run time (flash_attn_3 for Hopper alone, beside kernels for all).
#include <algorithm>
#include <array>

#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/driver_view.h"
#include "checks/extension_problems.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

using rules::ComputeCapability;

// Communication and attention for Hopper and newer GPUs, which vLLM and SGLang bring to every
// GPU and choose, or do not, at run time.
constexpr std::array<std::string_view, 5> kForSomeGpus{"deep_ep", "deep_gemm", "flash_attn_3",
                                                       "nccl", "pplx_kernels"};

// A package's files with device code that can be loaded.
struct Code {
  std::vector<const Extension*> extensions;
  bool named = false;  // one file, which the policy names
  const std::string& package() const { return extensions.front()->package; }
  std::string asked_for_by(const ImageFacts& image) const {
    std::string by;
    for (const Extension* one : extensions)
      if (by.empty()) by = checks::asked_for_by(*one, image);
    return by;
  }
};

std::vector<Code> code_of_packages(const Context& context) {
  const ImageFacts& image = context.image;
  std::vector<Code> packages;
  for (const Extension& extension : *image.extensions) {
    if (!extension.device_code || extension.device_code->groups.empty()) continue;
    if (problem_of(extension, image)) continue;
    // What the policy names is needed for itself.
    const bool named = is_named(extension, context.policy);
    auto same = std::find_if(packages.begin(), packages.end(), [&](const Code& code) {
      return !named && !code.named && code.package() == extension.package;
    });
    if (same == packages.end()) same = packages.insert(same, Code{{}, named});
    same->extensions.push_back(&extension);
  }
  return packages;
}

// The best of a package decides.
CoverageVerdict best_for(const Code& code, ComputeCapability device, const DriverJit& jit) {
  CoverageVerdict best = CoverageVerdict::kNothing;
  for (const Extension* extension : code.extensions) {
    const auto verdict =
        verdict_of(coverage_of(extension->device_code->groups, device, jit.rule()));
    if (verdict == CoverageVerdict::kBlocked) best = verdict;
    else if (verdict != CoverageVerdict::kNothing) return verdict;
  }
  return best;
}

std::vector<std::string> targets_of(const Code& code) {
  std::vector<std::string> targets;
  for (const Extension* extension : code.extensions)
    for (const FatbinGroup& group : extension->device_code->groups)
      targets.insert(targets.end(), group.targets.begin(), group.targets.end());
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  return targets;
}

// It was written for certain GPUs, all of it (sm_90a, sm_100f), and nothing asks for it here.
bool is_for_others(const Code& code, const ImageFacts& image) {
  const std::string& package = code.package();
  if (!code.asked_for_by(image).empty()) return false;
  return std::ranges::find(kForSomeGpus, package) != kForSomeGpus.end() ||
         std::ranges::all_of(targets_of(code), [](const std::string& target) {
           return target.ends_with('a') || target.ends_with('f');
         });
}

Finding finding_of(const Code& code, bool blocked, const DeviceKind& kind,
                   const ImageFacts& image) {
  const std::string& package = code.package();
  const std::string summary =
      joined({package, blocked ? " has only PTX for " : " has no code for ", kind.text(),
              blocked ? ", and this driver cannot compile it" : ""});
  const std::string asked_for = code.asked_for_by(image);
  Finding finding = !asked_for.empty() ? failure(kExitFit, summary) : warning(summary);
  add_evidence(finding, "gpus", gpus(kind.indices), kind.words);
  finding.about = {package};
  add_evidence(finding, "code", listed(targets_of(code), 24));
  for (std::size_t i = 0; i < std::min<std::size_t>(code.extensions.size(), 4); ++i)
    add_evidence(finding, "in", code.extensions[i]->path);
  if (!asked_for.empty()) add_evidence(finding, "asked for by", asked_for);
  finding.why = blocked ? "Its first kernel would end with \"the provided PTX was compiled with an "
                          "unsupported toolchain\" (222)."
                        : "Its first kernel would end with \"no kernel image is available for "
                          "execution on the device\" (209), while torch itself works.";
  finding.fix =
      joined({"Use a build of ", package, " that has ", kind.capability.sm_target(),
              ", or build it with TORCH_CUDA_ARCH_LIST=\"", kind.capability.text(),
              "\". If the command does not use it, name it in extensions.exclude of the policy."});
  return finding;
}

Findings run(const Context& context) {
  const ImageFacts& image = context.image;
  if (image.interpreter.is_absent()) return skipped("no Python in the image");
  if (!image.extensions) return unknown("the extensions are not known", image.extensions.reason());
  const auto& devices = context.node.devices;
  if (!devices) return skipped("the devices are not known");
  // A torch without code for the GPU has been reported, and needs replacing first.
  if (auto skip = context.skip_if_failed("torch.install python.abi loader.missing device.arch"))
    return skip;

  const std::vector<DeviceKind> kinds = kinds_of(*devices);
  Findings findings;
  const DriverJit jit(context);
  for (const Code& code : code_of_packages(context)) {
    for (const DeviceKind& kind : kinds) {
      const auto verdict = best_for(code, kind.capability, jit);
      if (verdict != CoverageVerdict::kNothing && verdict != CoverageVerdict::kBlocked) continue;
      findings.push_back(finding_of(code, verdict == CoverageVerdict::kBlocked, kind, image));
      if (is_for_others(code, image)) findings.back() = note(std::move(findings.back()));
    }
  }
  return findings;
}

}  // namespace

extern constexpr Check kExtensionArch{
    .id = "extension.arch",
    .exit_codes = "66",
    .needs_gpu = true,
    .needs_certain_interpreter = true,
    .title = "a visible GPU finds no code in an extension that it can run",
    .looks_at =
        "The fatbin headers of the extensions that can be loaded, against the compute capability "
        "of every visible GPU and what the driver compiles, as device.arch does for torch. A "
        "package's files are judged together, because many choose between them at run time; a file "
        "that extensions.include names is judged alone. A package that is written for certain GPUs "
        "(all of its code is for sm_90a and the like; deep_ep, nccl) is only told where the "
        "command or extensions.include names it.",
    .why =
        "torch works, and the first kernel of the extension ends with \"no kernel image is "
        "available for execution on the device\" (209). Wheels and builds on machines without a "
        "GPU often have code for fewer GPUs than torch has.",
    .fix =
        "Build it with TORCH_CUDA_ARCH_LIST set to the fleet's compute capabilities, or use a "
        "wheel that has them.",
    .source = "CUDA Programming Guide, Compatibility of binaries and PTX; docs/fatbin.md",
    .run = run,
};

}  // namespace gpuinit::checks
