// Findings and verdict as JSON; the facts come from facts/facts_json.h.
#include "report/report_json.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "facts/facts_json.h"

namespace gpuinit::report {

namespace {

// An object cannot hold a key twice: the second "GPU" becomes "GPU (2)".
std::string unused_key(const base::JsonObject& object, const std::string& wanted) {
  const auto taken = [&](const std::string& key) {
    return std::ranges::any_of(object, [&](const auto& entry) { return entry.first == key; });
  };
  std::string key = wanted;
  for (int n = 2; taken(key); ++n) key = wanted + " (" + std::to_string(n) + ")";
  return key;
}

base::Json finding_to_json(const Finding& finding, const Finding& first) {
  base::JsonObject evidence;
  for (const auto& [key, value] : finding.evidence)
    evidence.emplace_back(unused_key(evidence, key), value);
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
  constexpr std::array<std::string_view, 4> kWords{"fail", "warn", "unknown", "skipped"};
  return kWords[static_cast<std::size_t>(severity)];
}

const Finding& first_of_cause(const std::vector<Finding>& findings, const Finding& finding) {
  const auto cause = [](const Finding& one) -> const std::string& {
    return one.reason.empty() ? one.summary : one.reason;
  };
  if (finding.severity == Severity::kFail || finding.severity == Severity::kWarn) return finding;
  return *std::ranges::find_if(findings, [&](const Finding& one) {
    return &one == &finding || (one.severity == finding.severity && cause(one) == cause(finding));
  });
}

std::string report_json(const Verdict& verdict, const std::vector<Finding>& findings,
                        const Facts& facts, const Timings& timings) {
  base::JsonArray list;
  list.reserve(findings.size());
  for (const auto& finding : findings)
    list.push_back(finding_to_json(finding, first_of_cause(findings, finding)));
  base::JsonObject times;
  for (const auto& [name, milliseconds] : timings)
    times.emplace_back(unused_key(times, name), rounded(milliseconds));
  return base::print_json(base::JsonObject{
             {"schema", facts::kFactsSchema},
             {"verdict", word_of(verdict.word)},
             {"exit_code", verdict.exit_code},
             {"findings", std::move(list)},
             {"facts", base::JsonObject{{"image", facts::image_to_json(facts.image)},
                                        {"node", facts::node_to_json(facts.node)}}},
             {"timings_ms", std::move(times)}}) +
         "\n";
}

}  // namespace gpuinit::report
