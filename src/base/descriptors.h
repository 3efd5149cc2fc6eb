// What a process does with its descriptors before it becomes, or while it waits for, another
// program.
#pragma once

namespace gpuinit::base {

// Closes every descriptor from `first` on but `keep` (-1: none is kept).
void close_descriptors(int first, int keep = -1);

// For a process beside the command: closes what gpuinit was given for it, so that a pipe ends when
// the command's own ends are closed, and makes /dev/null of 0 and 1. Standard error stays, and what
// gpuinit has opened itself, always close-on-exec.
void close_inherited_descriptors();

// Takes those of 0, 1 and 2 that are closed, so that no file opened later becomes one of them:
// with /dev/null, or where that is missing with what can be neither read nor written. `flags`: how
// it is opened. With O_PATH reading and writing fail as on a descriptor that is closed.
void occupy_standard_descriptors(int flags);

}  // namespace gpuinit::base
