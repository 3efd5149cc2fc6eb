// Which build of gpuinit this is.
#pragma once

namespace gpuinit::cli {

extern const char kMachine[];  // that it runs on, "x86_64"
extern const char
    kCommit[];  // "7363f4b6c0de", with "-dirty" where the source had changes; "unknown"

}  // namespace gpuinit::cli
