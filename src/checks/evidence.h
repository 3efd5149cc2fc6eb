// Evidence that several findings show.
#pragma once

#include <initializer_list>

#include "checks/context.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

// The kernel driver and the libcuda that the loader will pick.
void add_driver(Finding& finding, const Driver& driver);

// Those of the environment variables that are set.
void add_variables(Finding& finding, const Context& context,
                   std::initializer_list<const char*> names);

// The interpreter and why it was chosen.
void add_interpreter(Finding& finding, const Interpreter& python);

}  // namespace gpuinit::checks
