#include "checks/accepted.h"

#include <algorithm>

#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// What has no name is accepted by "*" alone.
std::vector<std::string> things_of(const Finding& finding) {
  return finding.about.empty() ? std::vector<std::string>{""} : finding.about;
}

}  // namespace

Accepted::Accepted(const Context& context) : context_(context) {}

void Accepted::heed(Finding& finding) {
  const auto& entries = context_.policy.accept;
  if (entries.empty()) return;
  const auto things = things_of(finding);
  const bool decided = finding.severity == Severity::kFail || finding.severity == Severity::kWarn;
  const bool accepted = decided && std::ranges::all_of(things, [&](const std::string& thing) {
                          return context_.accepts(thing);
                        });
  for (const Accept& entry : entries) {
    if (std::ranges::none_of(things, [&](const std::string& thing) {
          return is_for(entry, context_.running, thing);
        }))
      continue;
    used_.push_back(&entry);
    if (!decided) continue;
    std::string words = joined({entry.why, entry.until.empty() ? "" : ", until ", entry.until});
    if (has_ended(entry, context_.today))
      add_evidence(finding, "no longer accepted", std::move(words));
    else add_evidence(finding, "accepted", std::move(words));
  }
  if (accepted) finding.severity = Severity::kAccepted;
}

void Accepted::add_idle(const Findings& findings, std::vector<Finding>& all) const {
  if (std::ranges::any_of(findings, [](const Finding& one) {
        return one.about.empty() &&
               (one.severity == Severity::kUndecided || one.severity == Severity::kSkipped);
      }))
    return;
  for (const Accept& entry : context_.policy.accept) {
    if (entry.check != context_.running || std::ranges::find(used_, &entry) != used_.end())
      continue;
    Finding finding = warning(joined({"accepted, but no longer there: ", entry.about}));
    finding.id = context_.running;
    add_evidence(finding, "accepted", entry.why);
    finding.why = "An entry that is for nothing may one day be for something else.";
    finding.fix = "Take the entry out of the policy.";
    all.push_back(std::move(finding));
  }
}

}  // namespace gpuinit::checks
