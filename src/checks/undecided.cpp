#include "checks/undecided.h"

#include <algorithm>

#include "base/text.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// What an `import torch` that works has decided.
constexpr std::string_view kDecidedByImport =
    "platform python.interpreter libc.version python.abi torch.install loader.missing "
    "loader.version loader.symbol extension.abi";

// Whoever writes a node by hand leaves out what is not asked for (src/facts/facts_reader.cpp).
constexpr std::string_view kLeftOut = "not in the node file";

bool has_imported_torch(const ImageFacts& image) {
  return image.python_probe &&
         std::ranges::any_of(image.python_probe->imports, [](const PythonImport& one) {
           return one.name == "torch" && one.error.empty();
         });
}

// What hangs on a torch of which it is not known whether it is there: torch.install says it, and
// the pins do, where the policy asks for torch at all.
bool is_left_to_others(const Context& context, const Finding& finding) {
  const Policy& policy = context.policy;
  const auto& torch = context.image.torch;
  if (!torch.is_unknown() || finding.reason.empty() || finding.reason != torch.reason())
    return false;
  if (finding.id.starts_with("expect.")) return false;
  return finding.id != "torch.install" ||
         !(policy.torch.required || !policy.expect.torch.empty() || !policy.expect.cuda.empty());
}

bool is_among(std::string_view words, std::string_view id) {
  const auto ids = base::split_words(words);
  return std::ranges::find(ids, id) != ids.end();
}

// What could not be read is one cause, which image.readable names. An own limit, which it names
// too, is nothing itself: it counts where a fact is unknown for it.
bool needs_decision(const Context& context, const Finding& finding, std::string_view unread) {
  return finding.severity == Severity::kUndecided && finding.reason != kLeftOut &&
         context.level(finding.id) == Level::kFail &&
         unread.empty() == (finding.id != "image.readable") &&
         !is_left_to_others(context, finding) &&
         !(is_among(kDecidedByImport, finding.id) && has_imported_torch(context.image));
}

void decide(const Check& check, const Context& context, Finding& finding) {
  const std::string_view code = check.exit_codes.substr(0, 2);  // the first of "69, 75 or 77"
  finding.severity = Severity::kWarn;
  if (context.policy.undecided == Undecided::kFail) {
    finding.severity = Severity::kFail;
    finding.exit_code = static_cast<int>(base::parse_number(code).value_or(kExitInternal));
  }
  finding.reason.clear();
  add_evidence(finding, "not decided", "checks.undecided of the policy asks for a decision");
  if (finding.why.empty())
    finding.why = "It may be as the policy asks, or not: what decides it could not be read.";
  if (!finding.fix.empty()) return;
  finding.fix =
      check.needs_gpu || code == "69"
          ? "Check on the node itself, with its driver and without --node."
          : "python.probe = \"import\" lets the interpreter itself say it; python.interpreter "
            "names the one that the command runs.";
  finding.fix += joined({" If it need not be known: checks.", check.id, " = \"warn\"."});
}

}  // namespace

void ask_for_decisions(Context& context, std::string_view unread, Accepted& accepted,
                       std::vector<Finding>& all) {
  const auto fails = [](const Finding& one) { return one.severity == Severity::kFail; };
  // A failure may be why the rest is not known.
  if (context.policy.undecided == Undecided::kOk || std::ranges::any_of(all, fails)) return;
  std::vector<std::string> told;  // reasons
  for (Finding& finding : all) {
    if (!needs_decision(context, finding, unread)) continue;
    const Check& check = **std::ranges::find(check_list(), finding.id, &Check::id);
    const std::string only_warns = context.only_warns_because(check);
    const std::string reason = finding.reason.empty() ? finding.summary : finding.reason;
    if (std::ranges::find(told, reason) != told.end()) continue;
    context.running = check.id;
    decide(check, context, finding);
    // A guess speaks for nothing: what is certain may be unknown for the same reason.
    if (only_warns.empty()) told.push_back(reason);
    else finding = warning_only(std::move(finding), only_warns);
    accepted.heed(finding);
  }
}

}  // namespace gpuinit::checks
