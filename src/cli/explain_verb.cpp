// gpuinit --explain: what a check or an exit code means, and the cure.
#include <unistd.h>

#include "base/text.h"
#include "checks/run_checks.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"
#include "report/explain.h"
#include "report/layout.h"

namespace gpuinit::cli {

namespace {

int explain(const Invocation& invocation) {
  const std::string& id = invocation.line.verb_argument;
  const bool json = invocation.line.format == Format::kJson;
  const std::size_t width = report::terminal_width(STDOUT_FILENO);
  if (id == "exit-codes")
    return json ? print_document(report::explain_exit_codes_json(), kExitGood)
                : print(report::explain_exit_codes(width), kExitGood);
  if (id.empty())
    return json ? print_document(report::explain_catalogue_json(checks::catalogue()), kExitGood)
                : print(report::explain_catalogue(checks::catalogue(), width), kExitGood);
  std::vector<std::string> ids{"exit-codes"};
  for (const auto& check : checks::catalogue()) {
    if (check.id == id)
      return json ? print_document(report::explain_check_json(check), kExitGood)
                  : print(report::explain_check(check, width), kExitGood);
    ids.emplace_back(check.id);
  }
  const std::string near = base::nearest(id, ids);
  return usage_error(Error{
      "there is no check `" + base::printable(id) + "`" +
      (near.empty() ? "; `gpuinit --explain` lists them all" : "; did you mean " + near + "?")});
}

}  // namespace

extern const Verb kExplain{
    .option = "--explain",
    .argument = Argument::kOptional,
    .command = Argument::kNone,
    .help = "       gpuinit --explain [ID | exit-codes]        what a check means, the cure\n",
    .run = explain,
};

}  // namespace gpuinit::cli
