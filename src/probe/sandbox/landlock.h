// Landlock (Linux 5.13): this process and its children can no longer change files, except
// beneath the paths that are named. Reading and executing stay as they were.
//
// Source: Linux Documentation/userspace-api/landlock.rst. Raw system calls, because the C
// library has none for it.
#pragma once

#include <vector>

#include "gpuinit/result.h"
#include "probe/sandbox/sandbox.h"

namespace gpuinit::probe {

// The version of its interface; 0: this kernel has none, or it is switched off.
int landlock_version();

// For this thread. Needs no_new_privs and two free descriptors. Paths that are not there
// are passed over; any other error leaves everything as it was.
Status hold_files(int version, const std::vector<WritablePath>& writable);

}  // namespace gpuinit::probe
