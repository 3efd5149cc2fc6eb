// gpuinit --record FILE -- COMMAND: runs the command, writes down what it read.
#pragma once

#include <functional>

#include "command_line.h"
#include "launch/inherited_state.h"

namespace gpuinit {

// Returns the command's own exit code, if the recording could be written. It is written
// beside FILE and moved there when complete: FILE is never half a recording.
// `check`: what gpuinit reads for its checks, recorded before the command; called in a child.
int record(const CommandLine& line, char* const* argv, const launch::InheritedState& inherited,
           const std::function<void()>& check);

}  // namespace gpuinit
