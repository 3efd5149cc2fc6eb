// device.arch: every visible GPU finds code in torch that it can run.
//
// The case that no single rule shows: a driver that serves a newer CUDA runtime
// by minor version compatibility runs its machine code but cannot compile its
// PTX, so a GPU for which torch has PTX only has nothing at all.
#include "base/text.h"
#include "checks/arch_coverage.h"
#include "checks/check.h"
#include "checks/driver_view.h"
#include "checks/finding_builder.h"
#include "checks/frameworks.h"
#include "checks/installed_packages.h"
#include "rules/driver_table.h"
#include "rules/tables/package_releases.h"

namespace gpuinit::checks {

namespace {

using rules::ComputeCapability;

// torch, or another framework.
struct Carrier {
  std::string name;
  std::string release;  // "2.8.0+cu128 in /a/torch"
  bool is_torch = true;
};

// One kind of GPU against its code.
struct Match {
  const Context& context;
  const DriverJit& jit;
  const Carrier& of;
  const TorchCode& code;
  const DeviceKind& kind;
  Coverage coverage;
};

std::string of_total(std::uint64_t count, const Coverage& coverage) {
  return std::to_string(count) + " of " + std::to_string(coverage.total);
}

void add_code(Finding& finding, const Match& match) {
  const auto& [context, jit, of, code, kind, coverage] = match;
  finding.needs = kind.capability.sm_target();
  finding.has = base::join_with(code.targets, ",");
  add_evidence(finding, "gpus", gpus(kind.indices), kind.words);
  add_evidence(finding, "framework", of.name, of.release);
  add_evidence(finding, "code",
               code.from_arch_list ? "arch list"
               : of.is_torch       ? "code in libtorch_cuda"
                                   : "code",
               listed(code.targets, 24));
  if (code.from_arch_list) return;
  std::string counts = of_total(coverage.native, coverage) + " machine code";
  if (coverage.jit > 0) counts += ", " + of_total(coverage.jit, coverage) + " PTX";
  if (coverage.blocked > 0)
    counts += ", " + of_total(coverage.blocked, coverage) + " PTX the driver cannot compile";
  if (coverage.doubtful > 0)
    counts += ", " + of_total(coverage.doubtful, coverage) + " of the other GPU line";
  add_evidence(finding, "usable containers", counts);
}

// PyTorch's own wheels that have code for the GPU: the newest where newer toolkits have dropped it,
// else the oldest, which the most drivers serve. Empty: none.
std::string_view torch_index_for(ComputeCapability device, bool dropped) {
  std::string_view found;
  for (const rules::tables::TorchIndex& index : rules::tables::kTorchIndexes)
    if (device >= ComputeCapability{index.first_major, index.first_minor} &&
        device.major <= index.last_major && (dropped || found.empty()))
      found = index.name;
  return found;
}

// "a torch built with CUDA 12.8 or newer that has sm_120".
std::string build_for(const Match& match) {
  const ComputeCapability device = match.kind.capability;
  const std::string_view name = match.of.name;
  std::string text = match.of.is_torch ? "a torch build" : "a build of ";
  if (!match.of.is_torch) text += name.substr(0, name.find(' '));
  text += joined({" that has ", device.sm_target()});
  const auto first = rules::first_toolkit_for(device);
  if (!first) return text;
  const unsigned last = rules::last_toolkit_for(device);
  if (last != 0)
    text += joined({" (CUDA ", std::to_string(last), " toolkits still compile for it, CUDA ",
                    std::to_string(last + 1), " does not"});
  else text += joined({" (CUDA ", first->text(), " and newer can compile for it"});
  // What torch from PyPI has in every release is not worth a hint.
  const bool hint = last != 0 || (first->major() >= 12 && !rules::is_integrated(device));
  if (const auto index = torch_index_for(device, last != 0);
      match.of.is_torch && hint && !index.empty())
    text += "; " + torch_from_index(match.context.image, index);
  return text + ")";
}

Finding nothing_for(const Match& match) {
  Finding finding =
      failure(kExitFit, joined({match.of.name, " has no code for ", match.kind.text()}));
  add_code(finding, match);
  finding.why =
      "The first kernel would end with \"CUDA error: no kernel image is available for execution on "
      "the device\" (209). Machine code runs on its own major version only, from its minor version "
      "up";
  finding.why += match.of.is_torch ? "; torch itself only warns." : ".";
  finding.fix = "Use " + build_for(match) + ", or a node whose GPU is on the list.";
  return finding;
}

Finding blocked_for(const Match& match) {
  const auto needed = match.jit.needs(match.coverage.blocked_isa);
  const bool disabled = match.jit.disabled();
  Finding finding =
      failure(kExitFit,
              joined({match.of.name, " has only PTX for ", match.kind.text(), ", and ",
                      disabled ? "CUDA_DISABLE_PTX_JIT is set" : "this driver cannot compile it"}));
  add_code(finding, match);
  if (const auto& isa = match.coverage.blocked_isa)
    add_evidence(finding, "PTX ISA", *isa + (needed ? ", CUDA " + needed->cuda.text() : ""));
  if (disabled) {
    finding.why = "\"PTX JIT compilation was disabled\" (error 223) at the first kernel.";
    finding.fix =
        "Remove CUDA_DISABLE_PTX_JIT from the environment, or use " + build_for(match) + ".";
    return finding;
  }
  add_evidence(finding, "driver serves", match.jit.view().cuda_words);
  finding.why =
      "An older driver of the same CUDA major version runs machine code of newer toolkits, but its "
      "PTX compiler does not read their PTX: \"the provided PTX was compiled with an unsupported "
      "toolchain\" (222).";
  finding.fix = "Use ";
  const auto driver = needed ? rules::driver_for_cuda(needed->cuda) : std::nullopt;
  finding.fix += driver ? "a driver >= " + rules::driver_text(*driver) + " on the node"
                        : "a newer driver on the node";
  finding.fix += ", or " + build_for(match) + ".";
  return finding;
}

Finding slow_start(const Match& match) {
  Finding finding = warning(joined({match.of.name, " runs on ", match.kind.text(),
                                    " only after the driver has compiled its PTX"}));
  add_code(finding, match);
  add_variables(finding, match.context,
                {"CUDA_CACHE_DISABLE", "CUDA_CACHE_PATH", "CUDA_CACHE_MAXSIZE"});
  finding.why =
      "The first start can take minutes, and every start where the compiler's cache (~/.nv, "
      "CUDA_CACHE_PATH) does not outlive the container. Kernels with machine code are faster too.";
  finding.fix = "Use " + build_for(match) +
                ", or keep CUDA_CACHE_PATH on a volume and CUDA_CACHE_MAXSIZE large.";
  return finding;
}

Finding partial(const Match& match) {
  Finding finding =
      warning(joined({"less than half of ", match.of.name, "'s code runs on ", match.kind.text()}));
  add_code(finding, match);
  finding.why =
      "Operations without code for the GPU end with \"no kernel image is available for execution "
      "on the device\" (209), the others work.";
  finding.fix = "Use " + build_for(match) + ".";
  return finding;
}

Finding doubtful(const Match& match) {
  Finding finding = warning(
      joined({match.of.name, "'s code for ", match.kind.text(), " is of the other GPU line"}));
  add_code(finding, match);
  finding.why =
      "NVIDIA does not promise that code for discrete GPUs runs on integrated (Jetson) ones or the "
      "other way round. Some report that it works.";
  finding.fix = "Use " + build_for(match) + ", such as NVIDIA's own builds for Jetson.";
  return finding;
}

std::optional<Finding> judge(const Match& match) {
  switch (verdict_of(match.coverage)) {
    case CoverageVerdict::kGood:
      return std::nullopt;
    case CoverageVerdict::kSlowStart:
      return slow_start(match);
    case CoverageVerdict::kDoubtful:
      return doubtful(match);
    case CoverageVerdict::kPartial:
      return partial(match);
    case CoverageVerdict::kNothing:
      return nothing_for(match);
    case CoverageVerdict::kBlocked:
      return blocked_for(match);
    case CoverageVerdict::kUnknown:
      break;
  }
  Finding finding = unknown(
      joined({"cannot tell whether ", match.of.name, "'s code runs on ", match.kind.text()}),
      match.jit.view().stack ? "" : match.jit.view().why_unknown);
  add_code(finding, match);
  return finding;
}

// Of every kind of device.
Findings judge_all(const Context& context, const DriverJit& jit, const Carrier& of,
                   const TorchCode& code) {
  Findings findings;
  for (const DeviceKind& kind : kinds_of(*context.node.devices))
    if (auto finding = judge(
            {context, jit, of, code, kind, coverage_of(code.groups, kind.capability, jit.rule())}))
      findings.push_back(*std::move(finding));
  return findings;
}

Findings no_torch(const ImageFacts& image) {
  if (image.torch.is_absent() || image.interpreter.is_absent())
    return skipped("no torch in the image");
  if (!image.torch) return unknown("torch is not known", image.torch.reason());
  return skipped("torch is not a CUDA build");
}

Findings judge_torch(const Context& context, const DriverJit& jit) {
  const Torch& torch = *context.image.torch;
  const auto code = code_of(torch);
  if (!code)
    return unknown("it is not known for which GPUs torch has code",
                   !torch.device_code ? torch.device_code.reason() : torch.arch_list.reason());
  return judge_all(context, jit,
                   {"torch", joined({torch.version.value_or("?"), " in ", torch.path})}, *code);
}

// Its kernels are compiled when they are called, where it carries none.
Findings judge_framework(const Context& context, const Framework& framework, const void* with) {
  const DriverJit& jit = *static_cast<const DriverJit*>(with);
  if (framework.device_code.is_absent()) return {};
  const auto code = code_in(framework.device_code);
  if (!code)
    return unknown("it is not known for which GPUs " + framework.name + " has code",
                   framework.device_code.reason());
  const auto& files = framework.device_code->files;
  return judge_all(context, jit,
                   {words_of(framework), files.empty() ? framework.path : files.front(), false},
                   *code);
}

Findings run(const Context& context) {
  const auto& image = context.image;
  const auto& devices = context.node.devices;
  const bool of_torch =
      image.torch && !image.torch->cuda.is_absent() && !image.interpreter.is_absent();
  const bool of_frameworks = only_frameworks(context);
  Findings findings;
  if (!of_torch && !of_frameworks) findings = no_torch(image);
  if (of_torch || of_frameworks) {
    if (auto skip = context.skip_without_devices()) return skip;
    if (!devices) return unknown("the devices are not known", devices.reason());
    if (devices->empty()) return skipped("there is no device");
    if (auto skip = context.skip_if_failed("torch.install")) return skip;
    for (std::size_t i = 0; i < devices->size(); ++i)
      if (const auto& capability = (*devices)[i].compute_capability; !capability_of((*devices)[i]))
        findings.push_back(
            unknown("the compute capability of GPU " + std::to_string(i) + " is not known",
                    capability.reason()));
  }
  if (!devices) return findings;
  const DriverJit jit(context);
  if (of_torch)
    for (Finding& finding : judge_torch(context, jit)) findings.push_back(std::move(finding));
  add_of_frameworks(context, Hindered::kCode, findings, judge_framework, &jit);
  return findings;
}

}  // namespace

extern constexpr Check kDeviceArch{
    .id = "device.arch",
    .exit_codes = "66",
    .needs_gpu = true,
    .needs_certain_interpreter = true,
    .title = "a visible GPU finds no code in torch that it can run",
    .looks_at =
        "The compute capability of every visible GPU against the machine code (sm_90, sm_90a, "
        "sm_100f) and PTX (compute_90) in libtorch_cuda, container by container; where that cannot "
        "be read, against torch's arch list. Machine code runs on its own major version from its "
        "minor version up, `a` targets on one capability only, `f` targets in their family. PTX "
        "runs on any newer GPU if the driver is new enough to compile it: a driver that serves "
        "torch by minor version compatibility is not. Other frameworks (jax, onnxruntime, "
        "llama.cpp, "
        "a program's own) by the code in their libraries.",
    .why =
        "\"no kernel image is available for execution on the device\" (209) or \"the provided PTX "
        "was compiled with an unsupported toolchain\" (222) at the first kernel, minutes into the "
        "start; torch itself only warns. If most of the code is PTX it works, but the first start "
        "takes minutes: that is a warning.",
    .fix =
        "Use a torch build that has the GPU's target (a GPU of capability 12.0 needs a build with "
        "CUDA 12.8 or newer), or another kind of node. Where only PTX is there, a driver as new as "
        "torch's CUDA version compiles it.",
    .source =
        "CUDA Programming Guide, \"Compute Capabilities\"; PTX ISA, \"PTX ISA Version History\"",
    .run = run,
};

}  // namespace gpuinit::checks
