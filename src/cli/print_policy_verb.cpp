// gpuinit --print-policy: the policy in force, with the place of every value.
#include "cli/command_seccomp.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"
#include "seccomp/filter.h"

namespace gpuinit::cli {

namespace {

int print_policy(const Invocation& invocation) {
  auto loaded = load_policy(invocation.line);
  if (!loaded) return policy_errors(loaded.error());
  const auto filter = command_seccomp(*loaded);
  if (!filter) return policy_error(filter.error());
  const bool changed = invocation.line.changed;
  const policy::Show show = changed ? policy::Show::kChanged : policy::Show::kAll;
  if (invocation.line.format == Format::kText)
    return print(
        policy::print_policy(*loaded, show) + (changed ? "" : describe_command_seccomp(*filter)),
        kExitGood);
  base::Json json = policy::policy_json(*loaded, show);
  if (*filter && !changed)
    std::get<base::JsonObject>(json.value)
        .emplace_back("seccomp", seccomp::filter_json((*filter)->filter));
  return print_json(json, kExitGood);
}

}  // namespace

extern const Verb kPrintPolicy{
    .option = "--print-policy",
    .command = Argument::kNone,
    .takes = "--changed",
    .help = "       gpuinit --print-policy [--changed] [OPTIONS]  the policy in force\n",
    .run = print_policy,
};

}  // namespace gpuinit::cli
