// Finds keys by name, and names those that a wrong name may have meant.
#include "base/signal_name.h"
#include "base/text.h"
#include "policy/keys.h"

namespace gpuinit::policy {

namespace {
constexpr std::string_view kPackagesTable = "expect.packages";
constexpr std::string_view kSignals = "launch.signals.";
// Another name of expect.driver, for who looks for it beside gpu.name.
constexpr std::string_view kGpuDriver = "gpu.driver";
}  // namespace

std::string canonical_name(std::string name) {
  if (!name.starts_with(kSignals)) return name;
  const auto signal = base::signal_number(std::string_view(name).substr(kSignals.size()));
  return signal ? std::string(kSignals) + base::signal_name(*signal) : name;
}

// The names directly under `table`, "" for the top: "gpu" → required, count.
std::vector<std::string> KeyTable::members(std::string_view table) const {
  const std::string prefix = table.empty() ? "" : std::string(table) + ".";
  std::vector<std::string> names;
  for (const Key& key : keys_) {
    if (!key.name.starts_with(prefix)) continue;
    std::string name = key.name.substr(prefix.size());
    // The ids of checks have a dot themselves and are named whole.
    if (table.empty() || key.hidden_unless_set) name = name.substr(0, name.find('.'));
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

// The key whose last names are these. Empty if there is none, or more than one.
std::string KeyTable::only_key_ending(std::string_view names) const {
  std::string found;
  for (const Key& key : keys_) {
    if (!key.name.ends_with("." + std::string(names))) continue;
    if (!found.empty()) return "";
    found = key.name;
  }
  return found;
}

const Key* KeyTable::find(std::string_view name) const {
  if (name == kGpuDriver) name = "expect.driver";
  for (const Key& key : keys_)
    if (key.name == name) return &key;
  return nullptr;
}

bool KeyTable::is_table(std::string_view name) const {
  if (name == kPackagesTable) return true;
  for (const Key& key : keys_)
    if (key.name.size() > name.size() && key.name.starts_with(name) && key.name[name.size()] == '.')
      return true;
  return false;
}

std::string KeyTable::keys_of(std::string_view table) const {
  const std::string list = table == "launch.signals" ? "signals such as SIGTERM"
                           : table == kPackagesTable ? "names of distributions such as jax"
                                                     : base::join_with(members(table), ", ");
  return "[" + std::string(table) + "] has " + list + (table == "gpu" ? ", driver" : "");
}

std::string KeyTable::suggestion(std::string_view unknown) const {
  if (unknown.starts_with(kSignals) && base::signal_number(unknown.substr(kSignals.size())))
    return "nothing can be sent in place of SIGKILL, SIGSTOP and SIGCHLD";
  std::vector<std::string> names;
  for (const Key& key : keys_) names.push_back(key.name);
  const std::vector<std::string> tables = members("");
  names.insert(names.end(), tables.begin(), tables.end());
  const std::string_view last = unknown.substr(unknown.rfind('.') + 1);
  std::string near = only_key_ending(unknown);     // its table was forgotten
  if (near.empty()) near = only_key_ending(last);  // it was put into another table
  if (near.empty()) near = base::nearest(unknown, names);
  const std::string newer = unknown.starts_with("checks.") ? kMayBeNewer : "";
  if (!near.empty()) return "did you mean `" + near + "`?" + newer;
  const std::string_view table = unknown.substr(0, unknown.find('.'));
  if (is_table(table)) return keys_of(table) + newer;
  return "a policy has the tables " + base::join_with(tables, ", ");
}

}  // namespace gpuinit::policy
