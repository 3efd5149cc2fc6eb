// Opening what has to be a regular file: it is looked at first, since opening a FIFO waits and
// opening a device can have effects.
#pragma once

#include "base/unique_fd.h"

namespace gpuinit::base {

// For reading. Not valid, and errno, if `path` leads to anything but a regular file of the image: a
// device, a FIFO, a directory, a file of procfs or sysfs. Allocates nothing.
UniqueFd open_regular(const char* path);

}  // namespace gpuinit::base
