// The policy in force for people (TOML) and for tools (JSON).
#include <algorithm>

#include "base/text.h"
#include "policy/keys.h"
#include "policy/load_policy.h"

namespace gpuinit::policy {

namespace {

constexpr char kBuiltIn[] = "built in";
constexpr std::size_t kWidest = 60;  // a longer line does not push the origins of all others

// "signals.SIGRTMIN+3" → `signals."SIGRTMIN+3"`: TOML's bare keys have no '+'.
std::string toml_key(const std::string& name) {
  const auto last = name.rfind('.') + 1;
  if (name.find('+', last) == std::string::npos) return name;
  return name.substr(0, last) + '"' + name.substr(last) + '"';
}

std::vector<KeyOrigin> keys_to_show(const LoadedPolicy& loaded, Show show) {
  return show == Show::kChanged ? loaded.changed_keys() : loaded.keys();
}

std::string comment(const std::string& text) { return "# " + base::printable(text, 4000) + "\n"; }

}  // namespace

std::vector<KeyOrigin> LoadedPolicy::keys() const {
  KeyTable table(checks());
  const std::size_t fixed = table.keys().size();
  for (const auto& [name, origin] : origins) table.take_in(name);
  Policy shown = policy;
  shown.checks.insert(table.built_in().checks.begin(), table.built_in().checks.end());
  std::vector<KeyOrigin> rows;
  const auto show = [&](const Key& key) {
    const auto origin = origins.find(key.name);
    if (origin == origins.end() && key.hidden_unless_set) return;
    rows.push_back(
        {key.name, get(key, shown), origin == origins.end() ? kBuiltIn : origin->second});
  };
  for (std::size_t i = 0; i < fixed; ++i) {
    show(table.keys()[i]);
    // Those of distributions, with the rest of their table.
    for (std::size_t j = fixed; j < table.keys().size() && table.keys()[i].name == "expect.driver";
         ++j)
      show(table.keys()[j]);
  }
  return rows;
}

std::vector<KeyOrigin> LoadedPolicy::changed_keys() const {
  KeyTable table(checks());
  std::vector<KeyOrigin> rows = keys();
  std::erase_if(rows, [&](const KeyOrigin& row) {
    table.take_in(row.key);
    const Key* key = table.find(row.key);
    return key != nullptr && toml_text(row.value) == toml_text(get(*key, table.built_in()));
  });
  return rows;
}

std::string refusal(const LoadedPolicy& loaded) {
  constexpr std::size_t kMost = 10;
  if (loaded.refused.empty()) return "";
  const std::size_t shown = std::min(loaded.refused.size(), kMost);
  std::string text =
      "the policy is locked by " + loaded.locked_by + ", which this cannot weaken: " +
      base::join_with({loaded.refused.begin(), loaded.refused.begin() + shown}, ", ");
  if (loaded.refused.size() > kMost)
    text += " and " + std::to_string(loaded.refused.size() - kMost) + " more";
  return text;
}

std::string print_policy(const LoadedPolicy& loaded, Show show) {
  const std::vector<KeyOrigin> keys = keys_to_show(loaded, show);
  std::vector<std::string> lines;
  std::size_t width = 0;
  for (const auto& key : keys) {
    lines.push_back(toml_key(key.key.substr(key.key.find('.') + 1)) + " = " + toml_text(key.value));
    if (lines.back().size() <= kWidest) width = std::max(width, lines.back().size());
  }
  std::string text = "version = 1\n";
  if (!loaded.locked_by.empty())
    text +=
        comment("locked by " + loaded.locked_by + ": what is set elsewhere can only be stricter");
  for (const std::string& refused : loaded.refused) text += comment("refused: " + refused);
  std::string table;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& key = keys[i];
    const std::string its_table = key.key.substr(0, key.key.find('.'));
    if (its_table != table && its_table != key.key) text += "\n[" + its_table + "]\n";
    table = its_table;
    lines[i].resize(std::max(lines[i].size(), width), ' ');
    text += lines[i] + "  # " + base::printable(key.origin) + "\n";
  }
  return text;
}

base::Json policy_json(const LoadedPolicy& loaded, Show show) {
  base::JsonArray keys;
  for (const auto& [key, value, origin] : keys_to_show(loaded, show))
    keys.push_back(base::JsonObject{{"key", key}, {"value", value}, {"origin", origin}});
  base::JsonObject json{{"schema", 1}};
  if (!loaded.locked_by.empty()) {
    json.emplace_back("locked_by", loaded.locked_by);
    json.emplace_back("refused", base::JsonArray(loaded.refused.begin(), loaded.refused.end()));
  }
  json.emplace_back("policy", std::move(keys));
  return json;
}

}  // namespace gpuinit::policy
