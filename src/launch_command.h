// The verb without a name: asks the checks, then becomes or supervises the command.
#pragma once

#include "command_line.h"
#include "launch/inherited_state.h"

namespace gpuinit {

// The exit code; in exec mode it returns only if the command may not or cannot run.
int launch_command(const CommandLine& line, int argc, char** argv,
                   const launch::InheritedState& inherited);

}  // namespace gpuinit
