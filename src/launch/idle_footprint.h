// What gpuinit keeps while the command runs: no files, no directory, hardly any memory.
#pragma once

namespace gpuinit::launch {

// Closes every descriptor but standard error and `keep` (-1: none is kept); 0 and 1 become
// /dev/null, so that a pipe the command closes comes to its end. Goes to `/`, so that no
// mount stays busy.
void release_files(int keep);

// Gives back the heap that start-up used and the pages of the program itself; what
// is needed again comes back from the page cache.
void release_memory();

}  // namespace gpuinit::launch
