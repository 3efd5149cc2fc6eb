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
  base::JsonObject object{{"id", finding.id},
                          {"severity", word_of(finding.severity)},
                          {"exit_code", finding.exit_code},
                          {"summary", finding.summary},
                          {"evidence", std::move(evidence)},
                          {"why", finding.why},
                          {"fix", finding.fix}};
  if (&first != &finding) object.emplace_back("because", first.id);
  return object;
}

// Microseconds are as much as a reader can use.
double rounded(double milliseconds) { return std::round(milliseconds * 1000) / 1000; }

}  // namespace

std::string_view word_of(Verdict::Word word) {
  constexpr std::array<std::string_view, 3> kWords{"pass", "warn", "fail"};
  return kWords[static_cast<std::size_t>(word)];
}

std::string_view word_of(Severity severity) {
  constexpr std::array<std::string_view, 4> kWords{"fail", "warn", "undecided", "skipped"};
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

std::string report_json(const Verdict& verdict, const std::vector<Finding>& findings,
                        const Facts& facts, const Timings& timings) {
  base::JsonArray list;
  list.reserve(findings.size());
  const auto first = first_of_cause(findings);
  for (std::size_t i = 0; i < findings.size(); ++i)
    list.push_back(finding_to_json(findings[i], findings[first[i]]));
  base::JsonObject times;
  Keys keys;
  for (const auto& [name, milliseconds] : timings)
    times.emplace_back(keys.unused(name), rounded(milliseconds));
  return base::print_json(base::JsonObject{{"schema", kReportSchema},
                                           {"verdict", word_of(verdict.word)},
                                           {"exit_code", verdict.exit_code},
                                           {"findings", std::move(list)},
                                           {"facts", facts::facts_to_json(facts)},
                                           {"timings_ms", std::move(times)}}) +
         "\n";
}

}  // namespace gpuinit::report
