// The message for when the C++ runtime itself gives up: out of memory, most likely.
#pragma once

namespace gpuinit::cli {

// From now on std::terminate prints one sentence on stderr and exits with
// kExitInternal instead of aborting: PID 1 ends with a documented code.
void install_terminate_handler();

}  // namespace gpuinit::cli
