// Evidence that several findings show.
#pragma once

#include <initializer_list>
#include <vector>

#include "checks/context.h"
#include "gpuinit/finding.h"

namespace gpuinit::checks {

// The kernel driver and the libcuda that the loader will pick.
void add_driver(Finding& finding, const Driver& driver);

// Those of the environment variables that are set.
void add_variables(Finding& finding, const Context& context,
                   std::initializer_list<const char*> names);

// Findings about what surrounds the interpreter: where it is a guess (Context), failures
// become warnings that say so.
std::vector<Finding> judged_by_interpreter(const Context& context, std::vector<Finding> findings);

// The interpreter and why it was chosen.
void add_interpreter(Finding& finding, const Interpreter& python);

}  // namespace gpuinit::checks
