// What a check is: name, level, when it applies, the texts of `gpuinit --explain`, and its rule.
#pragma once

#include <string_view>

#include "gpuinit/policy.h"

namespace gpuinit {

namespace checks {
struct Context;
struct Findings;
}  // namespace checks

struct CheckInfo {
  // Stable: policies, scripts and dashboards use it.
  std::string_view id;
  // Built in; what a policy that says nothing means. kWarn where what the check finds may well
  // not be what the command needs.
  Level level = Level::kFail;
  std::string_view exit_codes;  // "65", "69 or 77"

  // Skipped where no GPU is needed (policy gpu.required).
  bool needs_gpu = false;
  // Checks, separated by blanks and nearest cause first, whose failure speaks for what this one
  // would say.
  std::string_view suppressed_by = {};
  // Only a warning where the command could not be followed to its Python.
  bool needs_certain_interpreter = false;

  std::string_view title;        // one line, as in the README's table
  std::string_view looks_at;     // which facts, from where
  std::string_view why;          // what happens later if it is ignored, with the message users know
  std::string_view fix;          // cures, most likely first
  std::string_view source = {};  // the rule's public source; empty if it needs none

  // The rule, which only src/checks calls.
  checks::Findings (*run)(const checks::Context&) = nullptr;
};

}  // namespace gpuinit
