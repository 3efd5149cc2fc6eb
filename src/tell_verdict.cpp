#include "tell_verdict.h"

#include <unistd.h>

#include "base/log.h"
#include "environment.h"
#include "output.h"
#include "report/layout.h"
#include "report/report_json.h"
#include "report/report_text.h"
#include "report/termination_log.h"

namespace gpuinit {

namespace {

std::string text_report(const CommandLine& line, const Judgement& judgement, bool colour) {
  return report::report_text(
      {.verdict = judgement.verdict,
       .findings = judgement.findings,
       .facts = judgement.facts,
       .timings = judgement.timings,
       .options = {.colour = colour, .verbose = line.verbose, .quiet = line.quiet}});
}

}  // namespace

std::string json_report(const Judgement& judgement) {
  return report::report_json(judgement.verdict, judgement.findings, judgement.facts,
                             judgement.timings);
}

void tell_on_stderr(const CommandLine& line, const Judgement& judgement) {
  const bool colour = report::should_colour(STDERR_FILENO, environment_variables());
  tell(line.format == Format::kJson ? json_report(judgement)
                                    : text_report(line, judgement, colour));
}

void tell_kubernetes(const CommandLine& line, const Policy& policy, const Judgement& judgement) {
  if (policy.termination_log.empty() || judgement.verdict.word != Verdict::Word::kFail) return;
  const Status written = report::write_termination_log(
      policy.termination_log, text_report(line, judgement, /*colour=*/false));
  if (!written) base::log_verbose("termination log: " + written.error().message);
}

}  // namespace gpuinit
