// Watches a command as its tracer (ptrace(2)): which code it runs, page by page and in the order
// of the first fetch, which files it maps and reads.
//
// Code that a file has is mapped without the right to execute it; each first fetch faults, is
// noted, and the 16 KB around it become executable. A fault of the program's own reaches it as
// ever. Needs no privilege (docker's filter allows ptrace since Linux 4.8), and Linux 5.3.
//
// What would notice gets its code back at once and runs on, its code known from the page tables:
// a program that handles SIGSEGV, installs seccomp filters or is a tracer itself (which is not
// watched any further), one that is not of our own ABI.
#pragma once

#include <sys/types.h>

#include "warmup/recorded_command.h"
#include "warmup/touched_pages.h"

namespace gpuinit::warmup {

// False where that is not allowed. `pid`, a child of ours, waits and has not begun.
bool start_tracing(pid_t pid);

// Returns when every process that is traced has ended. What it touched before its first exec
// does not count: it was ours. Requires: all signals are blocked, SIGCHLD is not ignored.
void trace(RecordedCommand& command, TouchedPages& touched);

}  // namespace gpuinit::warmup
