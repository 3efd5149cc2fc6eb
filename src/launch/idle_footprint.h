// What gpuinit keeps while the command runs: no files, no directory, hardly any memory.
#pragma once

#include <csignal>
#include <ctime>

#include "launch/signal_set.h"

namespace gpuinit::launch {

// Closes every descriptor but standard error and `keep` (-1: none is kept); 0 and 1 become
// /dev/null, so that a pipe the command closes comes to its end. Goes to `/`, so that no
// mount stays busy.
void release_files(int keep);

// As take_signal(). Before it sleeps it gives back the heap that start-up used and the pages of
// the program itself; what is needed again comes back from the page cache. That is why it sleeps
// here: whatever ran in between would come back too.
int take_signal_released(SignalSet set, siginfo_t& info, const timespec* timeout);

}  // namespace gpuinit::launch
