// The policy in force for people (TOML) and for tools (JSON).
#include <algorithm>

#include "base/text.h"
#include "policy/load_policy.h"

namespace gpuinit::policy {

namespace {

constexpr std::size_t kWidest = 60;  // a longer line does not push the origins of all others

// "signals.SIGRTMIN+3" → `signals."SIGRTMIN+3"`: TOML's bare keys have no '+'.
std::string toml_key(const std::string& name) {
  const auto last = name.rfind('.') + 1;
  if (name.find('+', last) == std::string::npos) return name;
  return name.substr(0, last) + '"' + name.substr(last) + '"';
}

}  // namespace

std::string print_policy(const LoadedPolicy& loaded) {
  std::vector<std::string> lines;
  std::size_t width = 0;
  for (const auto& key : loaded.keys) {
    lines.push_back(toml_key(key.key.substr(key.key.find('.') + 1)) + " = " + toml_text(key.value));
    if (lines.back().size() <= kWidest) width = std::max(width, lines.back().size());
  }
  std::string text = "version = 1\n";
  std::string table;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& key = loaded.keys[i];
    const std::string its_table = key.key.substr(0, key.key.find('.'));
    if (its_table != table) text += "\n[" + its_table + "]\n";
    table = its_table;
    lines[i].resize(std::max(lines[i].size(), width), ' ');
    text += lines[i] + "  # " + base::printable(key.origin) + "\n";
  }
  return text;
}

base::Json policy_json(const LoadedPolicy& loaded) {
  base::JsonArray keys;
  for (const auto& [key, value, origin] : loaded.keys)
    keys.push_back(base::JsonObject{{"key", key}, {"value", value}, {"origin", origin}});
  return base::JsonObject{{"schema", 1}, {"policy", std::move(keys)}};
}

}  // namespace gpuinit::policy
