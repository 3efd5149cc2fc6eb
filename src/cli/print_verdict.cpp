#include "cli/print_verdict.h"

#include <unistd.h>

#include <algorithm>

#include "base/environment_variables.h"
#include "base/standard_error.h"
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

}  // namespace

std::string json_report(const assess::Assessment& assessment) {
  return report::report_json(assessment.verdict, assessment.findings, assessment.facts,
                             assessment.timings);
}

void print_verdict(const CommandLine& line, const assess::Assessment& assessment) {
  if (line.format == Format::kJson) return base::write_stderr(json_report(assessment));
  report::ReportOptions options{.verbose = line.verbose, .quiet = line.quiet};
  options.colour = report::should_colour(STDERR_FILENO, base::environment_variables());
  // The line of a good verdict is never broken.
  if (assessment.verdict.word != Verdict::Word::kPass || line.verbose)
    options.width = report::terminal_width(STDERR_FILENO);
  base::write_stderr(text_report(assessment, options));
}

void leave_verdict(const CommandLine& line, const Policy& policy,
                   const assess::Assessment& assessment) {
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
  // A reader of JSON on standard error must find nothing else there.
  if (!left && (line.verb != &kLaunch || line.format != Format::kJson))
    base::print_error(left.error().message);
}

}  // namespace gpuinit::cli
