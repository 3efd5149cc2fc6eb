// gpuinit --help and gpuinit --version.
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::cli {

namespace {

int help(const Invocation&) { return print(help_text(), kExitGood); }

int version(const Invocation&) { return print("gpuinit " GPUINIT_VERSION "\n", kExitGood); }

}  // namespace

extern const Verb kHelp{
    .option = "--help",
    .alias = "-h",
    .command = Argument::kOptional,
    .takes = "--root --node --image-config",
    .run = help,
};

extern const Verb kVersion{
    .option = "--version",
    .command = Argument::kOptional,
    .takes = "--root --node --image-config",
    .run = version,
};

}  // namespace gpuinit::cli
