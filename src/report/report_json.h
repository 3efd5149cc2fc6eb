// The whole assessment as JSON, for `--format json`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "gpuinit/check_info.h"
#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "gpuinit/policy.h"

namespace gpuinit::report {

// What took how long: {"image", 3.2}, milliseconds, in the order it was done.
// The entry called "total" is the one that the one-line text report shows.
using Timings = std::vector<std::pair<std::string, double>>;

// "pass", "warn", "fail" and "fail", "warn", "undecided", "skipped".
std::string_view word_of(Verdict::Word word);
std::string_view word_of(Severity severity);
std::string_view word_of(Level level);

// Of each finding the index of the first that is undecided, or skipped, for the same reason: its
// own where no other has told it before. Many checks may have one cause, which is told once.
std::vector<std::size_t> first_of_cause(const std::vector<Finding>& findings);

// What a report in JSON is made from; nothing is owned.
struct JsonReport {
  const Verdict& verdict;
  const std::vector<Finding>& findings;
  const Facts& facts;
  const Timings& timings;
  const Policy& policy;
  std::span<const CheckInfo> checks;  // all there are
  // Where the policy's values come from: "/etc/gpuinit/policy.toml", "GPUINIT_SET", "--set".
  std::vector<std::string> policy_sources = {};
  std::string locked_by = {};  // the file; empty: the policy is not locked
  bool quiet = false;          // only the findings that fail
};

// {"gpuinit":version,"verdict","exit_code","policy":{},"checks":[],"findings":[],
// "facts":{},"timings_ms":{}} to stand behind the schema's number, as docs/json.md and
// docs/report.schema.json have it.
base::JsonObject report_json(const JsonReport& report);

}  // namespace gpuinit::report
