// extension.arch: a visible GPU finds no code in an extension that it can run.
//
// Judged by packages, not by files: many bring a library for each generation of GPUs and
// choose at run time (flash_attn_3 for Hopper alone, beside kernels for all).
#include <algorithm>
#include <map>

#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/driver_jit.h"
#include "checks/extension_problems.h"
#include "checks/words.h"

namespace gpuinit::checks {

namespace {

using rules::ComputeCapability;

// A package's files with device code that can be loaded.
struct Code {
  std::vector<const Extension*> extensions;
  bool asked_for = false;
};

std::map<std::string, Code> code_of_packages(const ImageFacts& image) {
  std::map<std::string, Code> packages;
  for (const Extension& extension : *image.extensions) {
    if (!extension.device_code || extension.device_code->groups.empty()) continue;
    if (problem_of(extension, image)) continue;
    // What the policy names is needed for itself.
    Code& code = packages[extension.asked_for ? extension.path : extension.package];
    code.extensions.push_back(&extension);
    code.asked_for = extension.asked_for;
  }
  return packages;
}

// The best of a package decides.
CoverageVerdict best_for(const Code& code, ComputeCapability device, const DriverJit& jit) {
  CoverageVerdict best = CoverageVerdict::kNothing;
  for (const Extension* extension : code.extensions) {
    const auto verdict =
        verdict_of(coverage_of(extension->device_code->groups, device,
                               [&](const auto& isa) { return jit.compiles(isa); }));
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

Finding finding_of(const Code& code, bool blocked, ComputeCapability capability,
                   const std::vector<std::size_t>& indices, const Device& device) {
  const std::string& package = code.extensions.front()->package;
  const std::string on = gpus(indices) + " (" + device_words(device) + ")";
  const std::string summary =
      blocked ? package + " has only PTX for " + on + ", and this driver cannot compile it"
              : package + " has no code for " + on;
  Finding finding = code.asked_for ? failure(kExitFit, summary) : warning(summary);
  finding.evidence.emplace_back(gpus(indices), device_words(device));
  finding.evidence.emplace_back("code", listed(targets_of(code), 24));
  for (std::size_t i = 0; i < std::min<std::size_t>(code.extensions.size(), 4); ++i)
    finding.evidence.emplace_back("in", code.extensions[i]->path);
  finding.why =
      blocked ? "Its first kernel would end with \"the provided PTX was compiled with an "
                "unsupported toolchain\" (222)."
              : "Its first kernel would end with \"no kernel image is available for execution on "
                "the device\" (209), while torch itself works.";
  finding.fix = "Use a build of " + package + " that has " + capability.sm_target() +
                ", or build it with TORCH_CUDA_ARCH_LIST=\"" + std::to_string(capability.major) +
                "." + std::to_string(capability.minor) +
                "\". If the command does not use it, name it in extensions.exclude of the policy.";
  return finding;
}

}  // namespace

Findings check_extension_arch(const Context& context) {
  if (auto finding = context.no_gpu_needed()) return {*std::move(finding)};
  const ImageFacts& image = context.image;
  if (image.interpreter.is_absent()) return {skipped("no Python in the image")};
  if (!image.extensions)
    return {unknown("the extensions are not known" + because(image.extensions.reason()))};
  const auto& devices = context.node.devices;
  if (!devices) return {skipped("the devices are not known")};
  // A torch without code for the GPU has been reported, and needs replacing first.
  for (const char* cause : {"torch.install", "python.abi", "loader.missing", "device.arch"})
    if (context.explained_by("extension.arch", cause))
      return {skipped(std::string(cause) + " failed")};

  std::map<std::pair<unsigned, unsigned>, std::vector<std::size_t>> kinds;
  for (std::size_t i = 0; i < devices->size(); ++i) {
    const auto& text = (*devices)[i].compute_capability;
    const auto capability = text ? rules::parse_compute_capability(*text) : std::nullopt;
    if (capability) kinds[{capability->major, capability->minor}].push_back(i);
  }
  Findings findings;
  const DriverJit jit(context);
  for (const auto& [name, code] : code_of_packages(image)) {
    for (const auto& [numbers, indices] : kinds) {
      const ComputeCapability capability{numbers.first, numbers.second};
      const auto verdict = best_for(code, capability, jit);
      if (verdict != CoverageVerdict::kNothing && verdict != CoverageVerdict::kBlocked) continue;
      findings.push_back(finding_of(code, verdict == CoverageVerdict::kBlocked, capability, indices,
                                    (*devices)[indices.front()]));
    }
  }
  return findings;
}

}  // namespace gpuinit::checks
