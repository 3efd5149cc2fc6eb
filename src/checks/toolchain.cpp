// toolchain: what the command compiles for the GPU at its start cannot be compiled.
#include <string>

#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/engines.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"
#include "rules/tables/package_releases.h"

namespace gpuinit::checks {

namespace {

using rules::tables::TritonRow;

Findings judge_ptxas(const Context& context) {
  if (!context.image.packages || !context.node.devices || is_set(context, "TRITON_PTXAS_PATH") ||
      is_set(context, "TRITON_PTXAS_BLACKWELL_PATH"))
    return {};
  const Package* triton = Installed(context.image).find("triton");
  // A vendor's build brings what its vendor likes.
  if (triton == nullptr || triton->version.find('+') != std::string::npos) return {};
  for (const Device& device : *context.node.devices)
    for (const TritonRow& row : rules::tables::kTritonPtxas) {
      const rules::ComputeCapability known{row.major, row.minor};
      if (capability_of(device) != known ||
          fits(triton->version, joined({"<", row.first})) != Tristate::kYes)
        continue;
      Finding finding = failure(kExitFit, joined({"the ptxas of Triton ", triton->version,
                                                  " does not know ", device_words(device)}));
      finding.why =
          joined({"Every kernel of Triton and torch.compile ends with \"ptxas fatal: Value '",
                  known.sm_target(), "a' is not defined for option 'gpu-name'\"."});
      finding.fix =
          joined({"Use Triton ", row.first,
                  " with the torch that requires it, or set TRITON_PTXAS_PATH to the ptxas "
                  "of a newer CUDA: /usr/local/cuda/bin/ptxas."});
      return finding;
    }
  return {};
}

struct Need {
  Fact<std::string> ImageFacts::*fact;
  const char* missing;
  const char* message;
  const char* fix;
};
constexpr Need kNeeds[] = {
    {&ImageFacts::compiler, "there is no C compiler",
     "Failed to find C compiler. Please specify via CC environment variable",
     "`apt-get install -y gcc libc6-dev`, or set CC to a compiler."},
    {&ImageFacts::python_header, "there is no Python.h",
     "fatal error: Python.h: No such file or directory",
     "`apt-get install -y python3-dev`, for the Python that runs."},
    {&ImageFacts::ldconfig, "there is no ldconfig to ask for libcuda",
     "No such file or directory: '/sbin/ldconfig'",
     "Set TRITON_LIBCUDA_PATH to the directory of libcuda.so.1."},
    {nullptr, "libcuda is not in ld.so.cache, where it looks for it", "libcuda.so cannot found!",
     "Run `ldconfig` in the container, or set TRITON_LIBCUDA_PATH to libcuda's directory."},
};

Findings judge_needs(const Context& context) {
  const auto& libcuda = context.node.driver.libcuda;
  for (const Need& need : kNeeds) {
    const bool is_missing = need.fact != nullptr
                                ? (context.image.*need.fact).is_absent()
                                : libcuda && libcuda->found_by == "default directory";
    if (!is_missing || (&need >= kNeeds + 2 && is_set(context, "TRITON_LIBCUDA_PATH"))) continue;
    Finding finding = failure(kExitImage, joined({"Triton cannot compile: ", need.missing}));
    if (need.fact != nullptr)
      add_evidence(finding, "not there", (context.image.*need.fact).reason());
    finding.why =
        joined({"It compiles a launcher in C before the first kernel: \"", need.message, "\"."});
    finding.fix = need.fix;
    return finding;
  }
  return {};
}

Findings run(const Context& context) {
  std::string why;
  if (engine_of(context, why) == nullptr) return {};
  if (!context.image.variables)
    return unknown("cannot tell what Triton will compile with", context.image.variables.reason());
  Findings findings = judge_ptxas(context);
  if (findings.empty()) findings = judge_needs(context);
  if (findings.empty()) return {};
  add_evidence(findings.front(), "told because", why);
  if (context.node.places)
    for (const WritablePlace& place : *context.node.places)
      if (place.filled && place.name != "FLASHINFER_WORKSPACE_BASE")
        return note(unknown(findings.front().summary, "what it needs may be in " + place.path));
  return findings;
}

}  // namespace

extern constexpr Check kToolchain{
    .id = "toolchain",
    .level = Level::kWarn,
    .exit_codes = "65 or 66",
    .needs_gpu = true,
    .suppressed_by = "torch.install cuda.libcuda",
    .needs_certain_interpreter = true,
    .title = "what the command compiles for the GPU at its start cannot be compiled",
    .looks_at =
        "Only where vllm, sglang or unsloth runs, without --enforce-eager and with empty caches: "
        "CC, gcc or clang on PATH; Python.h; /sbin/ldconfig, and libcuda in its cache; whether the "
        "ptxas of this Triton knows the GPU. A torch image alone needs no compiler.",
    .why =
        "\"Failed to find C compiler\", \"Python.h: No such file or directory\", \"libcuda.so "
        "cannot found!\", \"Value 'sm_121a' is not defined\", after the model was loaded.",
    .fix = "Install gcc and Python's headers; use a newer Triton, or set TRITON_PTXAS_PATH.",
    .source = "Triton, python/triton/runtime/build.py, third_party/nvidia/backend/driver.py",
    .run = run,
};

}  // namespace gpuinit::checks
