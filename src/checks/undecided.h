// What becomes of what a check could not decide where the policy needs a decision
// (checks.undecided).
#pragma once

#include <string_view>
#include <vector>

#include "checks/accepted.h"

namespace gpuinit::checks {

// Where nothing of `all` stops the command: what is unknown of checks at level `fail` becomes a
// failure or a warning, once for each reason. `unread`: why_image_is_unread().
void ask_for_decisions(Context& context, std::string_view unread, Accepted& accepted,
                       std::vector<Finding>& all);

}  // namespace gpuinit::checks
