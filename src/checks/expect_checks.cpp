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

Finding not_met(const Pinned& pinned, const std::string& seen, std::string why, std::string fix) {
  Finding finding = failure(pinned.exit_code,
                            pinned.what + " is " + seen + ", and the policy pins " + pinned.range);
  note(finding, pinned.key, pinned.range);
  note(finding, "found", seen);
  finding.why = std::move(why);
  finding.fix = std::move(fix);
  return finding;
}

constexpr char kWhyImage[] = "Whoever wrote the policy tested the image with the pinned version.";
constexpr char kFixImage[] =
    "Rebuild the image with the pinned version, or change the pin after testing the new one.";

// "3.12", where the files had no more, may be before or after the 3.12.2 of a pin.
bool too_coarse(const rules::Version& seen, const rules::Version& pin) {
  if (pin.numbers.size() <= seen.numbers.size() || pin == seen) return false;
  return std::equal(seen.numbers.begin(), seen.numbers.end(), pin.numbers.begin());
}

// No finding if `fact` is known and in the range.
Findings judge(const Pinned& pinned, const Fact<std::string>& fact, const char* why,
               const char* fix) {
  const auto range = rules::parse_version_range(pinned.range);
  // The policy was checked when it was read; this is for callers that do not.
  if (!range) return one(failure(kExitPolicy, pinned.key + ": " + range.error().message));
  if (fact.is_absent()) return {not_met(pinned, "not there" + because(fact.reason()), why, fix)};
  if (!fact) return one(unknown(pinned.what + " is not known" + because(fact.reason())));
  const auto version = rules::parse_version(*fact);
  if (!version) return one(unknown(pinned.what + ": " + version.error().message));

  for (const auto& clause : range->clauses)
    if (too_coarse(*version, clause.version))
      return one(
          unknown(pinned.what + " is known as " + *fact + " only, too coarse for " + pinned.range));
  if (range->contains(*version)) return {};
  return {not_met(pinned, *fact, why, fix)};
}

constexpr char kNotPinned[] = "nothing is pinned";

}  // namespace

Findings check_expect_python(const Context& context) {
  const Pinned pinned{"Python", "expect.python", context.policy.expect.python};
  if (pinned.range.empty()) return one(skipped(kNotPinned));
  const auto& python = context.image.interpreter;
  if (python.is_absent()) {
    if (context.explained_by("expect.python", "python.interpreter"))
      return one(skipped("python.interpreter failed"));
    return judge(pinned, Fact<std::string>::absent(python.reason()), kWhyImage, kFixImage);
  }
  if (!python) return judge(pinned, Fact<std::string>::unknown(python.reason()), "", "");

  Findings findings = judge(pinned, python->version, kWhyImage, kFixImage);
  for (Finding& finding : findings) {
    if (finding.severity != Severity::kFail || finding.exit_code == kExitPolicy) continue;
    note(finding, "interpreter", python->path);
    if (context.interpreter_is_guess())
      finding = only_warn(std::move(finding),
                          "the command could not be followed to its Python; set python.interpreter "
                          "in the policy to make this certain");
  }
  return findings;
}

Findings check_expect_torch(const Context& context) {
  const Pinned pinned{"torch", "expect.torch", context.policy.expect.torch};
  if (pinned.range.empty()) return one(skipped(kNotPinned));
  const auto& torch = context.image.torch;
  for (const char* cause : {"python.interpreter", "torch.install"})
    if (!torch && context.explained_by("expect.torch", cause))
      return one(skipped(std::string(cause) + " failed"));
  if (torch.is_absent() || context.image.interpreter.is_absent())
    return judge(pinned, Fact<std::string>::absent(torch.reason()), kWhyImage, kFixImage);
  if (!torch) return judge(pinned, Fact<std::string>::unknown(torch.reason()), "", "");
  if (torch->version.is_absent() && context.explained_by("expect.torch", "torch.install"))
    return one(skipped("torch.install failed"));
  return judge(pinned, torch->version, kWhyImage, kFixImage);
}

Findings check_expect_cuda(const Context& context) {
  const Pinned pinned{"torch's CUDA", "expect.cuda", context.policy.expect.cuda};
  if (pinned.range.empty()) return one(skipped(kNotPinned));
  const auto& torch = context.image.torch;
  for (const char* cause : {"python.interpreter", "torch.install"})
    if (!torch && context.explained_by("expect.cuda", cause))
      return one(skipped(std::string(cause) + " failed"));
  if (torch.is_absent() || context.image.interpreter.is_absent())
    return judge(pinned, Fact<std::string>::absent("no torch in the image"), kWhyImage, kFixImage);
  if (!torch) return judge(pinned, Fact<std::string>::unknown(torch.reason()), "", "");
  for (const char* cause : {"torch.install", "torch.cuda-build"})
    if (torch->cuda.is_absent() && context.explained_by("expect.cuda", cause))
      return one(skipped(std::string(cause) + " failed"));
  return judge(pinned, torch->cuda, kWhyImage, kFixImage);
}

Findings check_expect_driver(const Context& context) {
  const Pinned pinned{"the kernel driver", "expect.driver", context.policy.expect.driver, kExitFit};
  if (pinned.range.empty()) return one(skipped(kNotPinned));
  const auto& driver = context.node.driver.kernel_version;
  if (context.policy.gpu.required == GpuRequired::kNo && !driver)
    return one(skipped("the policy says that no GPU is needed"));
  for (const char* cause : {"cuda.libcuda", "device.present"})
    if (!driver && context.explained_by("expect.driver", cause))
      return one(skipped(std::string(cause) + " failed"));
  return judge(pinned, driver, "Whoever wrote the policy asks for nodes with such a driver.",
               "Use a node with such a driver, or change the pin.");
}

}  // namespace gpuinit::checks
