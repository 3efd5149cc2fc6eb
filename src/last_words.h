// What is said when the C++ runtime itself gives up: out of memory, most likely.
#pragma once

namespace gpuinit {

// From now on std::terminate says one sentence on stderr and exits with
// kExitInternal instead of aborting: PID 1 ends with a documented code.
void install_last_words();

}  // namespace gpuinit
