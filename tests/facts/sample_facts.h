// Facts with a different value in every field, for tests that nothing is lost.
#pragma once

#include "gpuinit/facts.h"

namespace gpuinit::test {

// Every field of every struct is set to something that is not its default.
Facts full_facts();

// Every Fact known to be absent, half of them with a reason.
Facts absent_facts();

}  // namespace gpuinit::test
