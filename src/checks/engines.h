// Programs that compile code for the GPU at every start, and so need more than libraries.
#pragma once

#include <string>
#include <string_view>

#include "checks/context.h"

namespace gpuinit::checks {

struct Engine {
  std::string_view name;    // package and distribution
  std::string_view module;  // what `python -m` runs begins so; other modules are clients
  std::string_view places;  // that it must write to, by the variables that move them
};

// The engine that the command runs, or, where there is no command, that the image is made for;
// null: none of them, one of its clients, or --enforce-eager, where it cannot be told what Triton
// compiles all the same. `why` becomes "the command runs vllm" then.
const Engine* engine_of(const Context& context, std::string& why);

// A variable of the command's program is there and not empty, as far as is known.
bool is_set(const Context& context, std::string_view name);

}  // namespace gpuinit::checks
