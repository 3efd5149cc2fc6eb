// gpuinit --help and gpuinit --version.
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::cli {

namespace {

bool in_json(const Invocation& invocation) { return invocation.line.format == Format::kJson; }

int help(const Invocation& invocation) {
  return in_json(invocation) ? print_document({{"help", help_text()}}, kExitGood)
                             : print(help_text(), kExitGood);
}

int version(const Invocation& invocation) {
  return in_json(invocation) ? print_document({{"gpuinit", GPUINIT_VERSION}}, kExitGood)
                             : print("gpuinit " GPUINIT_VERSION "\n", kExitGood);
}

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
