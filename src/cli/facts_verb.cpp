// gpuinit --facts: everything that was found, as JSON; nothing is judged.
#include "cli/verb_support.h"
#include "facts/facts_json.h"
#include "gpuinit/exit_codes.h"

namespace gpuinit::cli {

namespace {

int print_facts(const Invocation& invocation) {
  auto loaded = load_policy(invocation.line);
  if (!loaded) return policy_errors(loaded.error());
  auto request = image_request(invocation);
  if (!request) return usage_error(request.error());
  request->always_probe = true;
  assess::Timings timings;
  auto facts = assess::gather_facts(*request, loaded->policy, timings);
  if (!facts) return usage_error(facts.error());
  return print_json(facts::facts_to_json(*facts), kExitGood);
}

}  // namespace

extern const Verb kFacts{
    .option = "--facts",
    .command = Argument::kOptional,
    .takes = "--root --node --image --image-config",
    .help = "       gpuinit --facts [OPTIONS] [-- COMMAND...]  everything found, as JSON\n",
    .run = print_facts,
};

}  // namespace gpuinit::cli
