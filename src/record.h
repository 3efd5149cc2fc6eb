// gpuinit --record FILE -- COMMAND: runs the command, writes down what it read.
#pragma once

#include "command_line.h"
#include "launch/inherited_state.h"

namespace gpuinit {

// Returns the command's own exit code, if the recording could be written. It is written
// beside FILE and moved there when complete: FILE is never half a recording.
int record(const CommandLine& line, char* const* argv, const launch::InheritedState& inherited);

}  // namespace gpuinit
