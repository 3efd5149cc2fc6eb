#include "checks/frameworks.h"

#include <algorithm>

#include "checks/device_files.h"
#include "checks/finding_builder.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

bool is_for_cuda(const Framework& framework) {
  return !framework.cuda.is_absent() || framework.device_code.known();
}

bool is_required(const Framework& framework, const Policy& policy) {
  const auto& names = policy.require.frameworks;
  return std::ranges::find(names, framework.name) != names.end();
}

bool has_no_torch(const ImageFacts& image) {
  return image.interpreter.is_absent() || image.torch.is_absent();
}

// Of those that use GPUs: the only one, so that gpu.required = "yes" can mean no other.
bool is_the_only_one(const Framework& framework, const ImageFacts& image) {
  return has_no_torch(image) && std::ranges::all_of(*image.frameworks, [&](const Framework& one) {
           return one.name == framework.name || !is_for_cuda(one);
         });
}

// What it lacks has been told: it gets no GPU, whichever there is. What lies in NVIDIA's wheels the
// program may open itself.
bool cannot_be_loaded(const Framework& framework) {
  return !framework.problems.missing_versions.empty() ||
         std::ranges::any_of(framework.problems.missing,
                             [](const MissingLibrary& one) { return one.elsewhere.empty(); });
}

bool is_judged(const Framework& framework, const Context& context) {
  if (framework.for_gpu || is_required(framework, context.policy)) return true;
  // Its import fails, with or without a GPU.
  const auto& missing = framework.problems.missing;
  if (!missing.empty() && !executable_stack_fix(missing.front().reason).empty()) return true;
  return has_no_torch(context.image) &&
         (context.policy.gpu.required == GpuRequired::kYes || gpu_files(context.node) > 0);
}

}  // namespace

bool frameworks_need_gpu(const ImageFacts& image, const Policy& policy) {
  return image.frameworks &&
         std::ranges::any_of(*image.frameworks, [&](const Framework& framework) {
           return is_for_cuda(framework) &&
                  (is_required(framework, policy) ||
                   (framework.for_gpu && (framework.runs || has_no_torch(image))));
         });
}

bool surely_stops(const Framework& framework, Hindered what, const ImageFacts& image,
                  const Policy& policy) {
  if (what == Hindered::kStart && image.program && framework.path == image.program->path)
    return true;
  if (framework.runs && (what == Hindered::kCode || !framework.falls_back)) return true;
  return is_required(framework, policy) ||
         (policy.gpu.required == GpuRequired::kYes && is_the_only_one(framework, image));
}

std::string why_only_warned(const Framework& framework, Hindered what) {
  return joined({framework.falls_back && what != Hindered::kCode
                     ? "it goes on with the CPU by itself"
                     : "it is not known whether the command uses it",
                 "; require.frameworks = [\"", framework.name,
                 "\"] in the policy makes it a failure"});
}

void add_of_frameworks(const Context& context, Hindered what, Findings& findings,
                       JudgeFramework judge, const void* with) {
  if (!context.image.frameworks) return;
  const auto& all = *context.image.frameworks;
  for (auto one = all.begin(); one != all.end(); ++one) {
    const auto has_name = [&](const Framework& other) { return other.name == one->name; };
    if (std::any_of(all.begin(), one, has_name)) continue;
    Findings worst;
    for (auto other = one; other != all.end(); ++other) {
      if (!has_name(*other)) continue;
      if (what != Hindered::kStart && (!is_for_cuda(*other) || cannot_be_loaded(*other))) continue;
      const bool stops = surely_stops(*other, what, context.image, context.policy);
      if (!stops && !is_judged(*other, context)) continue;
      Findings said = judge(context, *other, with);
      const bool is_good = said.empty();
      for (Finding& finding : said) {
        if (finding.severity == Severity::kFail && !stops)
          finding = warning_only(std::move(finding), why_only_warned(*other, what));
        // What works, if slowly, matters to those who use it.
        else if (finding.severity == Severity::kWarn && !stops) finding = note(std::move(finding));
        finding.is_certain = stops;
      }
      if (worst.empty() || is_good) worst = std::move(said);
      if (is_good) break;
    }
    for (Finding& finding : worst) findings.push_back(std::move(finding));
  }
}

Findings of_loading(const Context& context, Findings (*of_torch)(const Context&),
                    JudgeFramework of_framework) {
  Findings findings;
  if (!only_program(context)) findings = of_torch(context);
  add_of_frameworks(context, Hindered::kStart, findings, of_framework);
  return findings;
}

bool only_frameworks(const Context& context) {
  return has_no_torch(context.image) && frameworks_need_gpu(context.image, context.policy);
}

bool only_program(const Context& context) {
  return context.image.interpreter.is_absent() && context.image.frameworks &&
         !context.image.frameworks->empty();
}

std::string words_of(const Framework& framework) {
  return framework.version ? joined({framework.name, " ", *framework.version}) : framework.name;
}

}  // namespace gpuinit::checks
