// Which build of gpuinit this is.
#pragma once

namespace gpuinit::cli {

// The machine that it runs on, "x86_64".
extern const char kMachine[];

// "7363f4b6c0de", with "-dirty" behind it where the source had changes; else "unknown".
extern const char kCommit[];

}  // namespace gpuinit::cli
