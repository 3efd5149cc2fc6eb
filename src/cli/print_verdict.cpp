#include "cli/print_verdict.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "base/standard_error.h"
#include "base/text.h"
#include "checks/run_checks.h"
#include "report/layout.h"
#include "report/report_json.h"
#include "report/report_text.h"
#include "report/termination_log.h"

namespace gpuinit::cli {

namespace {

std::string text_report(const assess::Assessment& assessment,
                        const report::ReportOptions& options) {
  return report::report_text({.verdict = assessment.verdict,
                              .findings = assessment.findings,
                              .facts = assessment.facts,
                              .timings = assessment.timings,
                              .options = options});
}

// "/etc/gpuinit/policy.toml:3" is of "/etc/gpuinit/policy.toml".
std::vector<std::string> sources_of(const policy::LoadedPolicy& policy) {
  std::set<std::string> sources;
  for (const auto& [key, origin] : policy.origins) {
    const auto colon = origin.rfind(':');
    const bool is_line = colon != std::string::npos && base::parse_number(origin.substr(colon + 1));
    sources.insert(is_line ? origin.substr(0, colon) : origin);
  }
  return {sources.begin(), sources.end()};
}

}  // namespace

base::JsonObject json_report(const CommandLine& line, const policy::LoadedPolicy& policy,
                             const assess::Assessment& assessment) {
  return report::report_json({.verdict = assessment.verdict,
                              .findings = assessment.findings,
                              .facts = assessment.facts,
                              .timings = assessment.timings,
                              .policy = policy.policy,
                              .checks = checks::catalogue(),
                              .policy_sources = sources_of(policy),
                              .locked_by = policy.locked_by,
                              .quiet = line.quiet});
}

void print_verdict(const CommandLine& line, const policy::LoadedPolicy& policy,
                   const assess::Assessment& assessment) {
  if (line.format == Format::kJson) {
    if (line.quiet && assessment.verdict.word != Verdict::Word::kFail) return;
    return base::write_event("verdict", json_report(line, policy, assessment));
  }
  report::ReportOptions options{.verbose = line.verbose, .quiet = line.quiet};
  options.colour = report::should_colour(STDERR_FILENO, base::environment_variables());
  // The line of a good verdict is never broken.
  if (assessment.verdict.word != Verdict::Word::kPass || line.verbose)
    options.width = report::terminal_width(STDERR_FILENO);
  base::write_stderr(text_report(assessment, options));
}

void leave_verdict(const Policy& policy, const assess::Assessment& assessment) {
  const int exit_code = assessment.verdict.exit_code;
  if (assessment.verdict.word != Verdict::Word::kFail) return;
  const auto decides = std::ranges::find_if(assessment.findings, [&](const Finding& finding) {
    return finding.severity == Severity::kFail && finding.exit_code == exit_code;
  });
  if (decides == assessment.findings.end()) return;  // a verdict that fails has one
  const Status left = report::write_termination_log(policy.report.termination_log,
                                                    {.exit_code = exit_code,
                                                     .cause = decides->id,
                                                     .needs = decides->needs,
                                                     .has = decides->has,
                                                     .text = text_report(assessment, {})});
  if (!left) base::print_notice(left.error().message);
}

}  // namespace gpuinit::cli
