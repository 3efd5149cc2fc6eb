// What a check is, for people: the text behind `gpuinit --explain ID`.
#pragma once

#include <string_view>

#include "gpuinit/policy.h"

namespace gpuinit {

struct CheckInfo {
  std::string_view id;
  Level level = Level::kFail;   // built in; what a policy that says nothing means
  std::string_view exit_codes;  // "65", "69 or 77"
  std::string_view title;       // one line, as in the README's table
  std::string_view looks_at;    // which facts, from where
  std::string_view why;         // what happens later if it is ignored, with the message users know
  std::string_view fix;         // cures, most likely first
  std::string_view source;      // the rule's public source; empty if it needs none
};

}  // namespace gpuinit
