// gpuinit --help and gpuinit --version.
#include <iterator>

#include "cli/build.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"
#include "rules/tables/driver_releases.h"
#include "seccomp/filter.h"

namespace gpuinit::cli {

namespace {

bool in_json(const Invocation& invocation) { return invocation.line.format == Format::kJson; }

int help(const Invocation& invocation) {
  return in_json(invocation) ? print_document({{"help", help_text()}}, kExitGood)
                             : print(help_text(), kExitGood);
}

// Scripts read the first line of the text.
int version(const Invocation& invocation) {
  constexpr auto kNewest = *std::rbegin(rules::tables::kDriverReleases);
  const base::JsonObject members{
      {"gpuinit", GPUINIT_VERSION},
      {"machine", kMachine},
      {"commit", kCommit},
      {"libseccomp", seccomp::libseccomp_version()},
      {"driver_table", rules::tables::kDriverReleasesDate},
      {"newest_cuda",
       std::to_string(kNewest.cuda_major) + '.' + std::to_string(kNewest.cuda_minor)},
  };
  if (in_json(invocation)) return print_document(members, kExitGood);
  std::string text;
  for (const auto& [name, value] : members) text += name + ' ' + *value.as_string() + '\n';
  return print(text, kExitGood);
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
