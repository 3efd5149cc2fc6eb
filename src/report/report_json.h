// The whole assessment as JSON, for `--check --format json`.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "gpuinit/facts.h"
#include "gpuinit/finding.h"

namespace gpuinit::report {

// What took how long: {"image", 3.2}, milliseconds, in the order it was done.
// The entry called "total" is the one that the one-line text report shows.
using Timings = std::vector<std::pair<std::string, double>>;

// "pass", "warn", "fail" and "fail", "warn", "undecided", "skipped".
std::string_view word_of(Verdict::Word word);
std::string_view word_of(Severity severity);

// Of each finding the index of the first that is undecided, or skipped, for the same reason: its
// own where no other has told it before. Many checks may have one cause, which is told once.
std::vector<std::size_t> first_of_cause(const std::vector<Finding>& findings);

// Of the report; that of the facts in it is their own. docs/json.md says what changes it.
inline constexpr int kReportSchema = 2;

// {"schema":2,"verdict":…,"exit_code":N,"findings":[…],"facts":{…},"timings_ms":{…}}
// with every finding as {"id","severity","exit_code","summary","evidence":[],"why","fix"}.
// Ends with a newline.
std::string report_json(const Verdict& verdict, const std::vector<Finding>& findings,
                        const Facts& facts, const Timings& timings);

}  // namespace gpuinit::report
