// The list of verbs. A new verb is a file with its constant, and a row here.
#include "cli/verb.h"

namespace gpuinit::cli {

// In the order of --help.
// clang-format off
#define GPUINIT_VERBS(row) \
  row(kLaunch) \
  row(kCheck) \
  row(kFacts) \
  row(kExplain) \
  row(kPrintPolicy) \
  row(kSeal) \
  row(kVersion) \
  row(kHelp)
// clang-format on

#define GPUINIT_DECLARE(name) extern const Verb name;  // NOLINT(bugprone-macro-parentheses)
GPUINIT_VERBS(GPUINIT_DECLARE)

std::span<const Verb* const> verbs() {
#define GPUINIT_ADDRESS(name) &(name),
  static constexpr const Verb* kList[] = {GPUINIT_VERBS(GPUINIT_ADDRESS)};
  return kList;
}

}  // namespace gpuinit::cli
