// The table of verbs. A new one is a file that defines its Verb, and a row here.
#include "cli/verb.h"

namespace gpuinit::cli {

extern const Verb kCheck, kFacts, kExplain, kPrintPolicy, kRecord, kVersion, kHelp;

namespace {
constexpr const Verb* kVerbs[] = {&kLaunch,      &kCheck,  &kFacts,   &kExplain,
                                  &kPrintPolicy, &kRecord, &kVersion, &kHelp};
}  // namespace

std::span<const Verb* const> verbs() { return kVerbs; }

}  // namespace gpuinit::cli
