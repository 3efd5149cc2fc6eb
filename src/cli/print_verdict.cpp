#include "cli/print_verdict.h"

#include <unistd.h>

#include "base/environment_variables.h"
#include "base/log.h"
#include "base/standard_error.h"
#include "report/layout.h"
#include "report/report_json.h"
#include "report/report_text.h"
#include "report/termination_log.h"

namespace gpuinit::cli {

namespace {

std::string text_report(const CommandLine& line, const assess::Assessment& assessment,
                        bool colour) {
  return report::report_text(
      {.verdict = assessment.verdict,
       .findings = assessment.findings,
       .facts = assessment.facts,
       .timings = assessment.timings,
       .options = {.colour = colour, .verbose = line.verbose, .quiet = line.quiet}});
}

}  // namespace

std::string json_report(const assess::Assessment& assessment) {
  return report::report_json(assessment.verdict, assessment.findings, assessment.facts,
                             assessment.timings);
}

void print_verdict(const CommandLine& line, const assess::Assessment& assessment) {
  const bool colour = report::should_colour(STDERR_FILENO, base::environment_variables());
  base::write_stderr(line.format == Format::kJson ? json_report(assessment)
                                                  : text_report(line, assessment, colour));
}

void write_termination_log(const CommandLine& line, const Policy& policy,
                           const assess::Assessment& assessment) {
  if (policy.report.termination_log.empty() || assessment.verdict.word != Verdict::Word::kFail)
    return;
  const Status written = report::write_termination_log(
      policy.report.termination_log, text_report(line, assessment, /*colour=*/false));
  if (!written) base::log_verbose("termination log: " + written.error().message);
}

}  // namespace gpuinit::cli
