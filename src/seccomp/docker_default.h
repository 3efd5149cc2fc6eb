// What Docker lets a container do by default, as a filter.
#pragma once

#include "seccomp/filter.h"
#include "seccomp/target_context.h"

namespace gpuinit::seccomp {

// Calls that it does not allow fail with EPERM, newer ones with ENOSYS. A capability that
// the command can have allows the calls that need it.
Filter docker_default(const TargetContext& here);

}  // namespace gpuinit::seccomp
