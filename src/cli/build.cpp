#include "cli/build.h"

namespace gpuinit::cli {

extern constexpr char kMachine[] = GPUINIT_MACHINE;
extern constexpr char kCommit[] =
#include "commit.inc"  // commit.cmake makes it
    ;

}  // namespace gpuinit::cli
