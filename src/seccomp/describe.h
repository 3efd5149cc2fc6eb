// A filter in words, for --print-policy.
#pragma once

#include <string>

#include "base/json.h"
#include "seccomp/filter.h"

namespace gpuinit::seccomp {

// Lines of at most 100 columns, without an indentation of their own; names that share
// an action and the tests of their arguments stand together, in alphabetical order.
std::string describe(const Filter& filter);

// {"abis":[…],"otherwise":"EPERM","newer":"ENOSYS","rules":[{"action","if":[…],"calls":[…]}]}
base::Json filter_json(const Filter& filter);

}  // namespace gpuinit::seccomp
