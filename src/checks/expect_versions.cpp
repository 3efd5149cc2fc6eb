// expect.*: facts that the policy pins to versions or ranges.
#include <algorithm>

#include "checks/check.h"
#include "checks/finding_builder.h"
#include "rules/version.h"

namespace gpuinit::checks {

namespace {

struct Pinned {
  std::string what;  // "Python", as the sentence says it
  std::string key;   // "expect.python"
  std::string range;
  int exit_code = kExitImage;
};

Finding not_met(const Pinned& pinned, const Fact<std::string>& fact, std::string why,
                std::string fix) {
  const std::string seen = fact ? *fact : "not there" + because(fact.reason());
  Finding finding = failure(pinned.exit_code,
                            pinned.what + " is " + seen + ", and the policy pins " + pinned.range);
  finding.needs = pinned.range;
  if (fact) finding.has = *fact;
  finding.about = {pinned.what};
  add_evidence(finding, "pinned", pinned.key, pinned.range);
  add_evidence(finding, "found", seen);
  finding.why = std::move(why);
  finding.fix = std::move(fix);
  return finding;
}

constexpr char kWhyImage[] = "The policy's author tested the image with the pinned version.";
constexpr char kFixImage[] =
    "Rebuild the image with the pinned version, or change the pin after testing the new one.";

// "3.12", where the files had no more, may be before or after the 3.12.2 of a pin.
bool too_coarse(const rules::Version& seen, const rules::Version& pin) {
  if (pin.numbers.size() <= seen.numbers.size() || pin == seen) return false;
  return std::equal(seen.numbers.begin(), seen.numbers.end(), pin.numbers.begin());
}

// No finding if `fact` is known and in the range.
Findings judge_pin(const Pinned& pinned, const Fact<std::string>& fact, const char* why,
                   const char* fix) {
  const auto range = rules::parse_version_range(pinned.range);
  // The policy was checked when it was read; this is for callers that do not.
  if (!range) return failure(kExitPolicy, pinned.key + ": " + range.error().message);
  if (fact.is_absent()) return not_met(pinned, fact, why, fix);
  if (!fact) return unknown(pinned.what + " is not known", fact.reason());
  const auto version = rules::parse_version(*fact);
  if (!version) return unknown(pinned.what + ": " + version.error().message);

  for (const auto& clause : range->clauses)
    if (too_coarse(*version, clause.version))
      return unknown(pinned.what + " is known as " + *fact + " only, too coarse for " +
                     pinned.range);
  if (range->contains(*version)) return {};
  return not_met(pinned, fact, why, fix);
}

constexpr char kNotPinned[] = "nothing is pinned";

Findings run_python(const Context& context) {
  const Pinned pinned{"Python", "expect.python", context.policy.expect.python};
  if (pinned.range.empty()) return skipped(kNotPinned);
  const auto& python = context.image.interpreter;
  if (python.is_absent()) {
    if (auto skip = context.skip_if_failed("python.interpreter")) return skip;
    return judge_pin(pinned, Fact<std::string>::absent(python.reason()), kWhyImage, kFixImage);
  }
  if (!python) return judge_pin(pinned, Fact<std::string>::unknown(python.reason()), "", "");

  Findings findings = judge_pin(pinned, python->version, kWhyImage, kFixImage);
  for (Finding& finding : findings) {
    if (finding.severity != Severity::kFail || finding.exit_code == kExitPolicy) continue;
    add_evidence(finding, "interpreter", python->path);
  }
  return findings;
}

Findings run_torch(const Context& context) {
  const Pinned pinned{"torch", "expect.torch", context.policy.expect.torch};
  if (pinned.range.empty()) return skipped(kNotPinned);
  const auto& torch = context.image.torch;
  if (!torch)
    if (auto skip = context.skip_if_failed("python.interpreter torch.install")) return skip;
  if (torch.is_absent() || context.image.interpreter.is_absent())
    return judge_pin(pinned, Fact<std::string>::absent(torch.reason()), kWhyImage, kFixImage);
  if (!torch) return judge_pin(pinned, Fact<std::string>::unknown(torch.reason()), "", "");
  if (torch->version.is_absent())
    if (auto skip = context.skip_if_failed("torch.install")) return skip;
  return judge_pin(pinned, torch->version, kWhyImage, kFixImage);
}

Findings run_cuda(const Context& context) {
  const Pinned pinned{"torch's CUDA", "expect.cuda", context.policy.expect.cuda};
  if (pinned.range.empty()) return skipped(kNotPinned);
  const auto& torch = context.image.torch;
  if (!torch)
    if (auto skip = context.skip_if_failed("python.interpreter torch.install")) return skip;
  if (torch.is_absent() || context.image.interpreter.is_absent())
    return judge_pin(pinned, Fact<std::string>::absent("no torch in the image"), kWhyImage,
                     kFixImage);
  if (!torch) return judge_pin(pinned, Fact<std::string>::unknown(torch.reason()), "", "");
  if (torch->cuda.is_absent())
    if (auto skip = context.skip_if_failed("torch.install torch.cuda-build")) return skip;
  return judge_pin(pinned, torch->cuda, kWhyImage, kFixImage);
}

// A framework that must be there is: in the findings of this check, since it is what the policy
// asks of the image's packages.
Findings run_packages(const Context& context) {
  const ImageFacts& image = context.image;
  Findings findings;
  for (const std::string& name : context.policy.require.frameworks) {
    if (!image.frameworks || std::ranges::any_of(*image.frameworks, [&](const Framework& one) {
          return one.name == name;
        }))
      continue;
    // It may be what the command comes to.
    if (!image.program) {
      findings.push_back(
          unknown(joined({"cannot tell whether ", name, " is there"}), image.program.reason()));
      continue;
    }
    Finding finding =
        failure(kExitImage, joined({"the policy requires ", name, ", and the image has none"}));
    finding.about = {name};
    finding.why = "Only a build for NVIDIA GPUs counts; the command would run without.";
    finding.fix = "Install it, or take it out of require.frameworks.";
    findings.push_back(std::move(finding));
  }
  const bool known = image.packages && !image.interpreter.is_absent();
  for (const auto& [name, range] : context.policy.expect.packages) {
    if (range.empty()) continue;
    const Pinned pinned{name, joined({"expect.packages.", name}), range};
    auto version = known || image.interpreter.is_absent()
                       ? Fact<std::string>::absent(joined({"no ", name, " is installed"}))
                       : Fact<std::string>::unknown(image.packages.reason());
    if (known)
      if (const auto found = std::ranges::find(*image.packages, name, &Package::name);
          found != image.packages->end())
        version = found->version;
    for (Finding& finding : judge_pin(pinned, version, kWhyImage, kFixImage))
      findings.push_back(std::move(finding));
  }
  if (findings.empty() && context.policy.expect.packages.empty()) return skipped(kNotPinned);
  return findings;
}

Findings run_driver(const Context& context) {
  const Pinned pinned{"the kernel driver", "expect.driver", context.policy.expect.driver, kExitFit};
  if (pinned.range.empty()) return skipped(kNotPinned);
  const auto& driver = context.node.driver.kernel_version;
  if (context.policy.gpu.required == GpuRequired::kNo && !driver)
    return skipped("the policy says that no GPU is needed");
  if (!driver)
    if (auto skip = context.skip_if_failed("cuda.libcuda device.present")) return skip;
  return judge_pin(pinned, driver, "The policy's author asks for nodes with such a driver.",
                   "Use a node with such a driver, or change the pin.");
}

}  // namespace

extern constexpr Check kExpectPython{
    .id = "expect.python",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "the interpreter's version is not the one that the policy pins",
    .looks_at = "The version of the command's interpreter against expect.python.",
    .why = "The image was tested with the pinned version, and this is another.",
    .fix = "Rebuild the image with the pinned version, or change expect.python.",
    .run = run_python,
};

extern constexpr Check kExpectTorch{
    .id = "expect.torch",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "torch's version is not the one that the policy pins",
    .looks_at =
        "`__version__` in torch/version.py against expect.torch. What follows the numbers (+cu128, "
        "a0+git) is not compared. A pin without any torch in the image fails.",
    .why = "The image was tested with the pinned version, and this is another.",
    .fix = "Rebuild the image with the pinned version, or change expect.torch.",
    .run = run_torch,
};

extern constexpr Check kExpectCuda{
    .id = "expect.cuda",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "torch was built for another CUDA version than the policy pins",
    .looks_at = "`cuda` in torch/version.py against expect.cuda. A CPU build, or no torch, fails.",
    .why = "The image was tested with the pinned version, and this is another.",
    .fix = "Install torch from the index of the pinned CUDA version, or change expect.cuda.",
    .run = run_cuda,
};

extern constexpr Check kExpectPackages{
    .id = "expect.packages",
    .exit_codes = "65",
    .needs_certain_interpreter = true,
    .title = "a package is not there, or its version is not the one that the policy pins",
    .looks_at =
        "The versions in the metadata of what is installed on sys.path against expect.packages "
        "(names as pip normalises them), and whether the frameworks of require.frameworks are "
        "there in a build for NVIDIA GPUs.",
    .why = "The image was tested with the pinned version, and this is another.",
    .fix = "Rebuild the image with the pinned version, or change expect.packages.",
    .run = run_packages,
};

extern constexpr Check kExpectDriver{
    .id = "expect.driver",
    .exit_codes = "66",
    .title = "the node's kernel driver is not one that the policy allows",
    .looks_at = "The NVIDIA kernel module's release against expect.driver.",
    .why = "The policy allows only nodes with such a driver.",
    .fix = "Use a node with such a driver, or change expect.driver.",
    .run = run_driver,
};

}  // namespace gpuinit::checks
