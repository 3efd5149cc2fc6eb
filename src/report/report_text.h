// The assessment for the person who reads stderr at 3 a.m.
//
// One line when all is well. Otherwise the failures first, the one that decides
// the exit code before all others: `kubectl describe` shows the beginning.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "report/layout.h"
#include "report/report_json.h"

namespace gpuinit::report {

struct ReportOptions {
  bool colour = false;   // see should_colour in layout.h
  bool verbose = false;  // also what could not be decided, what was skipped, what took how long
  bool quiet = false;    // failures only: nothing at all unless the verdict is fail
  std::size_t width = kUnbroken;  // columns; see terminal_width in layout.h
};

// Refers to what the caller keeps.
struct ReportInput {
  const Verdict& verdict;
  const std::vector<Finding>& findings;
  const Facts& facts;
  const Timings& timings;
  ReportOptions options;
};

// Whole lines, each ended; "" when there is nothing to say.
std::string report_text(const ReportInput& input);

// "python 3.12.4, torch 2.8.0+cu128 (CUDA 12.8), driver …": what is known, in
// one clause; "" if nothing is.
std::string summary_of(const Facts& facts);

// "guessed /usr/bin/python3: not followed past ./start.sh:12 (an `if`)"; "" if what was judged is
// what the command runs.
std::string guess_of(const ImageFacts& image);

}  // namespace gpuinit::report
