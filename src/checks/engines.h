// Programs that compile code for the GPU at every start, and so need more than libraries.
#pragma once

#include <string>
#include <string_view>

#include "checks/context.h"

namespace gpuinit::checks {

struct Engine {
  std::string_view name;    // module and distribution
  std::string_view places;  // that it must write to, by the variables that move them
};

// The engine that the command runs, or, where there is no command, that the image is made for;
// null: none of them. `why` becomes "the command runs vllm" then.
const Engine* engine_of(const Context& context, std::string& why);

// `--enforce-eager`: what then is compiled by Triton all the same cannot be told.
bool compiles_little(const Context& context);

// Of the command's program; null if it is not set, or not known.
const std::string* heeded_variable(const Context& context, const std::string& name);

}  // namespace gpuinit::checks
