// One call more or less than a filter's rules say.
#pragma once

#include <string>

#include "seccomp/filter.h"

namespace gpuinit::seccomp {

// Whatever the rules said about the call, and its arguments, until now.
void allow_call(Filter& filter, const std::string& call);

// It fails with EPERM. On i386 the calls for sockets and System V IPC also come in
// through `socketcall` and `ipc`: a rule that allows all of these at once goes away,
// those for each of the others stay.
void deny_call(Filter& filter, const std::string& call);

}  // namespace gpuinit::seccomp
