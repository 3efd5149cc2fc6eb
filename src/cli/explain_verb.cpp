// gpuinit --explain: what a check, an exit code or a key of the policy means, and the cure.
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "checks/run_checks.h"
#include "cli/verb_support.h"
#include "gpuinit/exit_codes.h"
#include "policy/keys.h"
#include "policy/toml_document.h"
#include "report/explain.h"
#include "report/explain_policy.h"
#include "report/layout.h"

namespace gpuinit::cli {

namespace {

constexpr std::string_view kChecks = "checks.";
constexpr std::string_view kSignals = "launch.signals.";

// What was asked for, in both forms.
struct Answer {
  std::string text;
  base::JsonObject json;
};

std::size_t width() { return report::terminal_width(STDOUT_FILENO); }

const CheckInfo* find_check(std::string_view id) {
  if (id.starts_with(kChecks)) id.remove_prefix(kChecks.size());
  const auto catalogue = checks::catalogue();
  const auto found = std::ranges::find(catalogue, id, &CheckInfo::id);
  return found == catalogue.end() ? nullptr : &*found;
}

// Of 137 the row of 128+n. Null if gpuinit has no such code.
const ExitCodeInfo* find_exit_code(std::uint64_t code) {
  if (code > kExitSignalBase && code <= kExitSignalBase + 64) code = kExitSignalBase;
  const auto* found = std::ranges::find_if(
      kExitCodes, [&](const auto& info) { return static_cast<std::uint64_t>(info.code) == code; });
  return found == kExitCodes.end() ? nullptr : found;
}

report::PolicyKey described(const policy::Key& key, const policy::KeyTable& table) {
  const policy::Value built_in = get(key, table.built_in());
  return {key.name, policy::expectation(key), built_in, policy::toml_text(built_in),
          std::string(key.meaning)};
}

// The table of a key that is like all others there: the levels of checks, the signals.
std::string_view alike(const policy::Key& key) {
  if (key.name.starts_with(kSignals)) return kSignals;
  return find_check(key.name) != nullptr && key.name.starts_with(kChecks) ? kChecks : "";
}

// The keys below a table, "" for all; of those that are alike one, as "launch.signals.*".
std::vector<report::PolicyKey> keys_below(std::string_view prefix, const policy::KeyTable& table) {
  std::vector<report::PolicyKey> keys;
  for (const policy::Key& key : table.keys()) {
    if (!key.name.starts_with(prefix)) continue;
    report::PolicyKey row = described(key, table);
    if (const auto group = alike(key); !group.empty() && group.size() >= prefix.size())
      row.name = std::string(group) + "*";
    if (keys.empty() || keys.back().name != row.name) keys.push_back(std::move(row));
  }
  return keys;
}

Answer keys_answer(const std::vector<report::PolicyKey>& keys) {
  return {report::explain_keys(keys, width()), report::explain_keys_json(keys)};
}

// nullopt if nothing is called so.
std::optional<Answer> policy_answer(const std::string& name) {
  policy::KeyTable table(checks::catalogue());
  if (name == "policy") return keys_answer(keys_below("", table));
  const std::string key_name = policy::canonical_name(name);
  table.take_in(key_name);
  if (const policy::Key* key = table.find(key_name)) {
    const report::PolicyKey one = described(*key, table);
    return Answer{report::explain_key(one, width()), report::explain_keys_json({&one, 1})};
  }
  if (table.is_table(name)) return keys_answer(keys_below(name + ".", table));
  return std::nullopt;
}

// expect.python is a check, and a key as well.
Answer check_answer(const CheckInfo& check, const std::string& word) {
  Answer answer{report::explain_check(check, width()), report::explain_check_json(check)};
  if (auto key = policy_answer(word); key && !word.starts_with(kChecks)) {
    answer.text += "\nThe policy's key of that name\n" + key->text;
    answer.json.insert(answer.json.end(), key->json.begin(), key->json.end());
  }
  return answer;
}

std::optional<Answer> answer(const std::string& word) {
  const auto catalogue = checks::catalogue();
  if (word.empty())
    return Answer{report::explain_catalogue(catalogue, width()),
                  report::explain_catalogue_json(catalogue)};
  if (word == "exit-codes")
    return Answer{report::explain_exit_codes(width()), report::explain_exit_codes_json()};
  if (const CheckInfo* check = find_check(word)) return check_answer(*check, word);
  if (const auto code = base::parse_number(word)) {
    const ExitCodeInfo* info = find_exit_code(*code);
    if (info == nullptr) return std::nullopt;
    const int number = static_cast<int>(*code);
    return Answer{report::explain_exit_code(number, *info, catalogue, width()),
                  report::explain_exit_code_json(number, *info, catalogue)};
  }
  return policy_answer(word);
}

Error unknown(const std::string& word) {
  if (base::parse_number(word))
    return Error{"gpuinit has no exit code " + base::printable(word) +
                 " of its own; `gpuinit --explain exit-codes` lists them"};
  std::vector<std::string> names{"exit-codes", "policy"};
  for (const CheckInfo& check : checks::catalogue()) names.emplace_back(check.id);
  const policy::KeyTable table({});
  for (const policy::Key& key : table.keys()) names.push_back(key.name);
  const std::string near = base::nearest(word, names);
  return Error{"`" + base::printable(word) +
               "` is neither a check nor an exit code nor a key of the policy" +
               (near.empty() ? "; `gpuinit --explain` lists the checks, exit-codes and policy the "
                               "others"
                             : "; did you mean " + near + "?")};
}

int explain(const Invocation& invocation) {
  const std::string& word = invocation.line.verb_argument;
  const auto found = answer(word);
  if (!found) return usage_error(unknown(word));
  return invocation.line.format == Format::kJson ? print_document(found->json, kExitGood)
                                                 : print(found->text, kExitGood);
}

}  // namespace

extern const Verb kExplain{
    .option = "--explain",
    .argument = Argument::kOptional,
    .command = Argument::kNone,
    .help = "       gpuinit --explain [ID | CODE | KEY | policy]  what it means, the cure\n",
    .run = explain,
};

}  // namespace gpuinit::cli
