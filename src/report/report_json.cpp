// Findings and verdict as JSON; the facts come from facts/facts_json.h.
#include "report/report_json.h"

#include <array>
#include <cmath>
#include <map>

#include "facts/facts_json.h"

namespace gpuinit::report {

namespace {

// Makes keys that no object holds twice: the second "GPU" becomes "GPU (2)".
class Keys {
 public:
  std::string unused(const std::string& wanted) {
    int& used = used_[wanted];
    std::string key = wanted;
    while (++used > 1 && !used_.emplace(key = wanted + " (" + std::to_string(used) + ")", 1).second)
      continue;
    return key;
  }

 private:
  std::map<std::string, int> used_;  // how often each was wanted
};

base::Json finding_to_json(const Finding& finding, const Finding& first) {
  base::JsonArray evidence;
  evidence.reserve(finding.evidence.size());
  for (const auto& [key, label, value] : finding.evidence)
    evidence.push_back(base::JsonObject{{"key", key}, {"label", label}, {"value", value}});
  // What it makes gpuinit exit with, whatever class the check had in mind.
  const int exit_code = finding.severity == Severity::kFail ? finding.exit_code : 0;
  base::JsonObject object{{"id", finding.id},
                          {"severity", word_of(finding.severity)},
                          {"exit_code", exit_code},
                          {"summary", finding.summary},
                          {"about", base::JsonArray(finding.about.begin(), finding.about.end())},
                          {"evidence", std::move(evidence)},
                          {"why", finding.why},
                          {"fix", finding.fix}};
  if (!finding.needs.empty()) object.emplace_back("needs", finding.needs);
  if (!finding.has.empty()) object.emplace_back("has", finding.has);
  if (&first != &finding) object.emplace_back("because", first.id);
  return object;
}

// Of two findings of a check the one that says more of it: the lower.
int rank_of(Severity severity) {
  constexpr std::array<int, 5> kRanks{0, 1, 3, 4, 2};  // in the order of the enumeration
  return kRanks[static_cast<std::size_t>(severity)];
}

// What came of every check there is, in the order in which they run.
base::JsonArray results(const JsonReport& report) {
  base::JsonArray all;
  for (const CheckInfo& check : report.checks) {
    const auto set = report.policy.checks.find(std::string(check.id));
    const Level level = set == report.policy.checks.end() ? check.level : set->second;
    std::string_view result = level == Level::kOff ? "off" : "passed";
    const Finding* worst = nullptr;
    for (const Finding& finding : report.findings)
      if (finding.id == check.id &&
          (worst == nullptr || rank_of(finding.severity) < rank_of(worst->severity)))
        worst = &finding;
    if (worst != nullptr) result = word_of(worst->severity);
    all.push_back(
        base::JsonObject{{"id", check.id}, {"level", word_of(level)}, {"result", result}});
  }
  return all;
}

// Microseconds are as much as a reader can use.
double rounded(double milliseconds) { return std::round(milliseconds * 1000) / 1000; }

}  // namespace

std::string_view word_of(Verdict::Word word) {
  constexpr std::array<std::string_view, 3> kWords{"pass", "warn", "fail"};
  return kWords[static_cast<std::size_t>(word)];
}

std::string_view word_of(Level level) {
  constexpr std::array<std::string_view, 3> kWords{"fail", "warn", "off"};
  return kWords[static_cast<std::size_t>(level)];
}

std::string_view word_of(Severity severity) {
  constexpr std::array<std::string_view, 5> kWords{"fail", "warn", "undecided", "skipped",
                                                   "accepted"};
  return kWords[static_cast<std::size_t>(severity)];
}

std::vector<std::size_t> first_of_cause(const std::vector<Finding>& findings) {
  std::map<std::pair<Severity, std::string_view>, std::size_t> told;
  std::vector<std::size_t> first(findings.size());
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Finding& one = findings[i];
    const bool decided = one.severity == Severity::kFail || one.severity == Severity::kWarn;
    const std::string_view cause = one.reason.empty() ? one.summary : one.reason;
    first[i] = decided ? i : told.try_emplace({one.severity, cause}, i).first->second;
  }
  return first;
}

base::JsonObject report_json(const JsonReport& report) {
  base::JsonArray list;
  const auto& findings = report.findings;
  const auto first = first_of_cause(findings);
  for (std::size_t i = 0; i < findings.size(); ++i)
    if (!report.quiet || findings[i].severity == Severity::kFail)
      list.push_back(finding_to_json(findings[i], findings[first[i]]));
  base::JsonObject times;
  Keys keys;
  for (const auto& [name, milliseconds] : report.timings)
    times.emplace_back(keys.unused(name), rounded(milliseconds));
  const auto& sources = report.policy_sources;
  return {{"gpuinit", GPUINIT_VERSION},
          {"verdict", word_of(report.verdict.word)},
          {"exit_code", report.verdict.exit_code},
          {"policy", base::JsonObject{{"sources", base::JsonArray(sources.begin(), sources.end())},
                                      {"locked_by", report.locked_by.empty()
                                                        ? base::Json()
                                                        : base::Json(report.locked_by)}}},
          {"checks", results(report)},
          {"findings", std::move(list)},
          {"facts", facts::facts_to_json(report.facts)},
          {"timings_ms", std::move(times)}};
}

}  // namespace gpuinit::report
