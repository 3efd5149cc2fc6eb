// cuda.require: the image's NVIDIA_REQUIRE_* condition is not met by this node.
//
// The container runtime checks it too, but not in every mode: with CDI it does not.
#include "base/text.h"
#include "checks/check.h"
#include "checks/device_groups.h"
#include "checks/driver_view.h"
#include "checks/finding_builder.h"
#include "rules/device_name.h"
#include "rules/nvidia_require.h"

namespace gpuinit::checks {

namespace {

using rules::RequirementFacts;

// One for each device; one without any device facts where no device is known.
std::vector<RequirementFacts> facts_of(const Context& context) {
  RequirementFacts node;
  if (const auto view = view_of_driver(context); view.stack) node.cuda = view.stack->cuda;
  node.driver = driver_release(context.node.driver.kernel_version);
  if (!context.sees_devices()) return {node};
  std::vector<RequirementFacts> all;
  for (const Device& device : *context.node.devices) {
    RequirementFacts facts = node;
    if (device.compute_capability) {
      auto arch = rules::parse_version(*device.compute_capability);
      if (arch) facts.arch = std::move(arch).value();
    }
    if (device.name) facts.brands = rules::brands_of(*device.name);
    all.push_back(std::move(facts));
  }
  return all;
}

Finding not_met(const Context& context, const std::string& name, const std::string& value,
                std::size_t device) {
  const auto alternatives = base::split_words(value);
  std::string wanted = base::printable(alternatives.front(), 60);
  if (alternatives.size() == 2) wanted += " or the one alternative";
  if (alternatives.size() > 2)
    wanted += " or one of " + std::to_string(alternatives.size() - 1) + " alternatives";
  Finding finding = failure(
      kExitFit, "the image asks for " + wanted + " (" + name + "), and this node does not meet it");
  add_driver(finding, context.node.driver);
  if (const auto view = view_of_driver(context); view.stack)
    add_evidence(finding, "driver serves", view.cuda_words);
  if (context.sees_devices())
    add_evidence(finding, "gpus", gpus({device}), device_words((*context.node.devices)[device]));
  add_evidence(finding, "condition", base::printable(value, 600));
  finding.why =
      "The image's author says that it does not run here. Container runtimes that look at the "
      "variable refuse to start such a container: \"requirement error: unsatisfied condition\".";
  finding.fix =
      "Use a node that meets it, or an image built for an older CUDA. If the image is known to "
      "work here, set NVIDIA_DISABLE_REQUIRE=1.";
  return finding;
}

Findings run(const Context& context) {
  if (!context.node.environment)
    return unknown("the environment is not known", context.node.environment.reason());
  if (auto skip = context.skip_if_failed("cuda.capabilities cuda.compat cuda.libcuda cuda.driver"))
    return skip;
  if (const auto value = context.variable("NVIDIA_DISABLE_REQUIRE");
      value && rules::disables_requirements(*value))
    return skipped("NVIDIA_DISABLE_REQUIRE is set");

  Findings findings;
  const auto devices = facts_of(context);
  for (const auto& [name, value] : *context.node.environment) {
    if (!rules::is_requirement(name)) continue;
    Tristate all = Tristate::kYes;
    for (std::size_t i = 0; i < devices.size() && all != Tristate::kNo; ++i) {
      all = both(all, rules::requirement_met(value, devices[i]));
      if (all == Tristate::kNo) findings.push_back(not_met(context, name, value, i));
    }
    if (all == Tristate::kUnknown)
      findings.push_back(unknown("cannot tell whether this node meets " + name + ": " +
                                 base::printable(value, 100)));
  }
  return findings;
}

}  // namespace

extern constexpr Check kCudaRequire{
    .id = "cuda.require",
    .exit_codes = "66",
    .needs_gpu = true,
    .title = "the image's NVIDIA_REQUIRE_* condition is not met by this node",
    .looks_at =
        "Every NVIDIA_REQUIRE_* variable (but NVIDIA_REQUIRE_JETPACK*): alternatives with blanks "
        "between them, each a list of conditions with commas. `cuda` is the CUDA version of the "
        "driver, `driver` the release of the kernel driver, `arch` a GPU's compute capability, "
        "`brand` what NVML calls it, derived from the GPU's name where that is certain. All "
        "variables must hold for every visible GPU. A condition on something unknown stays "
        "undecided. NVIDIA_DISABLE_REQUIRE=1 switches it off.",
    .why =
        "The image says that it was not made for this node. The container runtime refuses to start "
        "it (\"requirement error: unsatisfied condition: cuda>=12.8\"), but not in every mode: "
        "with CDI it does not look, and the error comes later from CUDA.",
    .fix =
        "Use a node that meets the condition, or an image built for an older CUDA. If the image is "
        "known to work anyway, set NVIDIA_DISABLE_REQUIRE=1.",
    .source =
        "libnvidia-container, src/cli/dsl.c and configure.c; NVIDIA container toolkit, "
        "internal/requirements",
    .run = run,
};

}  // namespace gpuinit::checks
