// Runs the built gpuinit on a scenario's world and keeps what it said.
#pragma once

#include <string>
#include <vector>

#include "scenarios/scenario.h"

namespace gpuinit::test {

struct Told {
  std::string id, severity, summary, why, fix;
};

struct Judged {
  std::vector<std::string> fail;  // ids, in the order of the report
  std::vector<std::string> warn;
  std::vector<Told> told;  // what failed or warns
  int exit_code = -1;
  std::string text;        // the report as people read it, white space collapsed
  std::string text_lines;  // … as it was printed
};

// Throws if the JSON and the text report do not agree, or are none.
Judged judged(const World& world);

// The text report on a terminal of so many columns, without colour.
std::string text_on_terminal(const World& world, unsigned short columns);

}  // namespace gpuinit::test
