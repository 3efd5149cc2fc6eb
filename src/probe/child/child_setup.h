// What a child does between fork and exec.
#pragma once

#include <sys/types.h>

#include "probe/child/child_program.h"
#include "probe/sandbox/syscall_monitor.h"

namespace gpuinit::probe {

// Runs in the child: makes it a clean process, puts it into the box and becomes the
// program. Says `not-started …` on the pipe if that is refused. `parent`: getpid() before
// fork.
[[noreturn]] void become(ProgramExec& exec, Box& box, int pipe, pid_t parent);

}  // namespace gpuinit::probe
