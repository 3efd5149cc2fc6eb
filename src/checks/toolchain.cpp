// toolchain: what the command compiles for the GPU at its start cannot be compiled.
#include <algorithm>

#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/engines.h"
#include "checks/finding_builder.h"
#include "checks/installed_packages.h"

namespace gpuinit::checks {

namespace {

struct PtxasRow {
  rules::ComputeCapability device;
  std::string_view before;  // versions of Triton
  std::string_view first;
};
// The first release of Triton whose own ptxas knows the GPU, as the wheels' ptxas answers to
// --gpu-name: CUDA 12.4 in 3.2, 12.8 in 3.3 to 3.5, 12.9 in 3.6, 13.1 in 3.7.
constexpr PtxasRow kPtxas[] = {
    {{10, 0}, "<3.3", "3.3"}, {{12, 0}, "<3.3", "3.3"}, {{10, 3}, "<3.6", "3.6"},
    {{12, 1}, "<3.6", "3.6"}, {{11, 0}, "<3.7", "3.7"},
};

bool is_set(const Context& context, const char* name) {
  const std::string* value = heeded_variable(context, name);
  return value != nullptr && !value->empty();
}

// Compiled before, perhaps by the same Triton.
bool has_cache(const Context& context) {
  return context.node.places && std::ranges::any_of(*context.node.places, [](const auto& place) {
           return place.filled.value_or(false);
         });
}

Findings judge_ptxas(const Context& context) {
  if (!context.image.packages || !context.node.devices || is_set(context, "TRITON_PTXAS_PATH") ||
      is_set(context, "TRITON_PTXAS_BLACKWELL_PATH"))
    return {};
  const Package* triton = Installed(context.image).find("triton");
  // A vendor's build brings what its vendor likes.
  if (triton == nullptr || triton->version.find('+') != std::string::npos) return {};
  for (const DeviceKind& kind : kinds_of(*context.node.devices))
    for (const PtxasRow& row : kPtxas) {
      if (row.device != kind.capability ||
          fits(triton->version, std::string(row.before)) != Tristate::kYes)
        continue;
      const std::string target = kind.capability.sm_target() + "a";
      Finding finding = failure(kExitFit, joined({"the ptxas of Triton ", triton->version,
                                                  " does not know ", kind.text()}));
      finding.why =
          joined({"Every kernel of Triton and torch.compile ends with \"ptxas fatal: Value '",
                  target, "' is not defined for option 'gpu-name'\"."});
      finding.fix =
          joined({"Use Triton ", row.first,
                  " or newer, with the torch that requires it; or install CUDA's nvcc and "
                  "set TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas."});
      return finding;
    }
  return {};
}

Finding cannot_compile(const Fact<std::string>& fact, const char* what, const char* why,
                       const char* fix) {
  Finding finding = failure(kExitImage, joined({"Triton cannot compile: ", what}));
  if (!fact.reason().empty()) add_evidence(finding, "looked for", fact.reason());
  finding.why = why;
  finding.fix = fix;
  return finding;
}

Findings judge_image(const Context& context) {
  if (!context.image.toolchain) return {};
  const Toolchain& tools = *context.image.toolchain;
  if (tools.compiler.is_absent())
    return cannot_compile(
        tools.compiler, "there is no C compiler",
        "It compiles its launcher in C before the first kernel: \"Failed to find C "
        "compiler. Please specify via CC environment variable\".",
        "apt-get install -y gcc libc6-dev, or set CC to a compiler.");
  if (tools.python_header.is_absent())
    return cannot_compile(
        tools.python_header, "Python.h is not there",
        "Its launcher is an extension of Python: \"fatal error: Python.h: No such "
        "file or directory\".",
        "apt-get install -y python3-dev, for the same Python.");
  if (is_set(context, "TRITON_LIBCUDA_PATH")) return {};
  const char* fix =
      "Run `ldconfig` in the container, or set TRITON_LIBCUDA_PATH to libcuda's directory.";
  if (tools.ldconfig.is_absent())
    return cannot_compile(tools.ldconfig, "there is no ldconfig",
                          "It asks /sbin/ldconfig where libcuda is: \"FileNotFoundError: "
                          "'/sbin/ldconfig'\".",
                          "Set TRITON_LIBCUDA_PATH to the directory of libcuda.so.1.");
  const auto& libcuda = context.node.driver.libcuda;
  if (libcuda && libcuda->found_by == "default directory")
    return cannot_compile(Fact<std::string>::absent(libcuda->path + " is not in ld.so.cache"),
                          "it will not find libcuda",
                          "It looks in `ldconfig -p` and LD_LIBRARY_PATH only: \"AssertionError: "
                          "libcuda.so cannot found!\".",
                          fix);
  return {};
}

Findings run(const Context& context) {
  std::string why;
  if (engine_of(context, why) == nullptr || compiles_little(context)) return {};
  if (!context.image.variables)
    return unknown("cannot tell what Triton will compile with", context.image.variables.reason());
  Findings findings = judge_ptxas(context);
  if (findings.empty()) findings = judge_image(context);
  if (findings.empty()) return {};
  add_evidence(findings.front(), "told because", why);
  if (has_cache(context))
    return unknown(findings.front().summary, "what it needs may be in its cache");
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
        "CC, "
        "gcc or clang on PATH; Python.h; /sbin/ldconfig and libcuda in its cache; and whether the "
        "ptxas that this Triton brings knows the GPU (TRITON_PTXAS_PATH and TRITON_LIBCUDA_PATH "
        "count). A torch image alone needs no compiler.",
    .why =
        "\"Failed to find C compiler\", \"Python.h: No such file or directory\", \"libcuda.so "
        "cannot "
        "found!\", \"Value 'sm_121a' is not defined for option 'gpu-name'\", after the model was "
        "loaded.",
    .fix = "Install gcc and Python's headers; use a newer Triton, or set TRITON_PTXAS_PATH.",
    .source = "Triton, python/triton/runtime/build.py, third_party/nvidia/backend/driver.py",
    .run = run,
};

}  // namespace gpuinit::checks
