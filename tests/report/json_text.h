// A report as `--check --format json` prints it, less the number of the schema.
#pragma once

#include <string>
#include <vector>

#include "report/report_json.h"

namespace gpuinit::report {

inline std::string json_text(const Verdict& verdict, const std::vector<Finding>& findings,
                             const Facts& facts, const Timings& timings,
                             std::span<const CheckInfo> checks = {}, bool quiet = false) {
  const Policy policy;
  return base::print_json(report_json({.verdict = verdict,
                                       .findings = findings,
                                       .facts = facts,
                                       .timings = timings,
                                       .policy = policy,
                                       .checks = checks,
                                       .policy_sources = {"--set"},
                                       .quiet = quiet}));
}

}  // namespace gpuinit::report
