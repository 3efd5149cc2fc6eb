// Runs the checks in causal order and applies the policy's levels.
#include "checks/run_checks.h"

#include <algorithm>

#include "checks/accepted.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/image_unread.h"
#include "checks/undecided.h"

namespace gpuinit::checks {

namespace {

// A torch of the user's own site (~/.local, often of a home directory that is mounted) that
// stands before the image's: then a finding about its files has two causes and another cure.
void add_user_site(Finding& finding, const ImageFacts& image) {
  if (!image.torch || image.torch->shadowed.empty() ||
      image.torch->sys_path_entry.find("/.local/lib/python") == std::string::npos)
    return;
  const std::string& site = image.torch->sys_path_entry;
  if (std::ranges::none_of(finding.evidence, [&](const auto& entry) {
        return entry.value.find(site) != std::string::npos;
      }))
    return;
  const std::string& hidden = image.torch->shadowed.front();
  add_evidence(finding, "user site", joined({image.torch->path, " hides ", hidden}));
  finding.fix = joined({"The torch is the user's own, not the image's: PYTHONNOUSERSITE=1 leaves ",
                        site, " out, and ", hidden, " is used. Otherwise: ", finding.fix});
}

// What a refused path may have to do with it: `pip install` is no cure of a directory that this
// user may not enter.
void add_refused(Finding& finding, const ImageFacts& image) {
  if (image.refused.empty() || finding.exit_code != kExitImage) return;
  add_evidence(finding, "closed to this user", listed(image.refused, 3));
  finding.fix = joined({"This user may not read ", image.refused.front(),
                        ": if the command needs what is there, chmod a+rX in the image, or run it "
                        "as the owner. Otherwise: ",
                        finding.fix});
}

Findings findings_of(const Check& check, const Context& context) {
  if (check.needs_gpu)
    if (auto skip = context.no_gpu_needed()) return skip;
  if (auto skip = context.skip_if_failed(check.suppressed_by)) return skip;
  return check.run(context);
}

}  // namespace

std::vector<Finding> run_checks(const Facts& facts, const Policy& policy, std::string_view today) {
  std::vector<Finding> all;
  Context context(facts, policy);
  context.today = today;
  const std::string unread = why_image_is_unread(facts.image);
  Accepted accepted(context);
  for (const Check* check : check_list()) {
    const Level level = context.level(check->id);
    if (level == Level::kOff) continue;
    context.running = check->id;
    context.running_only_warns = context.only_warns_because(*check);
    bool failed = false;
    bool only_warned = false;
    Findings findings = findings_of(*check, context);
    if (!unread.empty() && withhold(*check, unread, findings))
      context.withheld |= level == Level::kFail && context.running_only_warns.empty();
    for (Finding& finding : findings) {
      finding.id = check->id;
      add_user_site(finding, facts.image);
      add_refused(finding, facts.image);
      accepted.heed(finding);
      if (finding.severity == Severity::kFail && finding.exit_code != kExitPolicy &&
          !context.running_only_warns.empty() && !finding.is_certain) {
        finding = warning_only(std::move(finding), context.running_only_warns);
        only_warned = true;
      }
      failed |= finding.severity == Severity::kFail;
      if (level == Level::kWarn && finding.severity == Severity::kFail)
        finding.severity = Severity::kWarn;
    }
    accepted.add_idle(findings, all);
    for (Finding& finding : findings) all.push_back(std::move(finding));
    if (failed) context.failed.push_back(check->id);
    if (only_warned) context.only_warned.push_back(check->id);
  }
  if (context.withheld) stop_for_unread(all, context);
  ask_for_decisions(context, unread, accepted, all);
  return all;
}

Verdict judge(const std::vector<Finding>& findings) {
  Verdict verdict;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kFail) {
      // A class without a rank (an error of policy or of gpuinit) still is a failure.
      verdict.exit_code = verdict.word != Verdict::Word::kFail
                              ? finding.exit_code
                              : least_retryable(verdict.exit_code, finding.exit_code);
      verdict.word = Verdict::Word::kFail;
    } else if (finding.severity == Severity::kWarn && verdict.word == Verdict::Word::kPass) {
      verdict.word = Verdict::Word::kWarn;
    }
  }
  return verdict;
}

}  // namespace gpuinit::checks
