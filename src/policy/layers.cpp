#include "policy/layers.h"

#include <algorithm>

#include "base/text.h"
#include "policy/toml_document.h"

namespace gpuinit::policy {

namespace {

constexpr std::int64_t kVersion = 1;  // the `version` of the files we understand

std::string place(const std::string& name, const Position& at) {
  return base::printable(name) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

std::string in_backquotes(std::string_view text) { return "`" + base::printable(text, 120) + "`"; }

// The line of the text that a message is about.
std::string line_at(std::string_view text, const Position& at) {
  const auto lines = base::split_lines(text);
  if (at.line > lines.size()) return "";
  const auto line = base::trim(lines[at.line - 1]);
  return line.empty() ? "" : ", in " + in_backquotes(line);
}

// Above the first table.
bool is_top(const TomlEntry& entry, std::string_view name) {
  return entry.path.size() == 1 && entry.path[0].name == name;
}
bool is_version(const TomlEntry& entry) { return is_top(entry, "version"); }
bool is_lock(const TomlEntry& entry) { return is_top(entry, "locked"); }

bool says_true(const TomlEntry& entry) {
  const bool* value = entry.value.as_bool();
  return value != nullptr && *value;
}

Status check_lock(const std::string& file, const TomlEntry& entry, Layers::Lock lock) {
  const std::string where = place(file, entry.path[0].at) + ": `locked`: ";
  if (lock == Layers::Lock::kMayNot)
    return Error{where + "only /etc/gpuinit/policy.toml can be locked"};
  if (entry.value.as_bool() == nullptr)
    return Error{where + "expected true or false, found " + describe(entry.value)};
  return Done{};
}

Status check_version(const std::string& file, const TomlDocument& document) {
  for (const auto& entry : document.entries) {
    if (!is_version(entry)) continue;
    const auto* version = std::get_if<std::int64_t>(&entry.value.value);
    if (version != nullptr && *version == kVersion) return Done{};
    return Error{place(file, entry.value_at) + ": `version`: expected 1, found " +
                 describe(entry.value)};
  }
  return Error{place(file, {}) + ": `version = 1` is missing; it stands above the first [table]"};
}

}  // namespace

Layers::Layers(Checks checks, Problems problems)
    : table_(checks()), problems_(std::move(problems)) {
  loaded_.policy = table_.built_in();
  loaded_.checks = checks;
}

bool Layers::may_become(const Key& key, const Policy& wanted) const {
  return keeps(key, loaded_.policy, wanted) || (!has_order(key) && !kept_.contains(key.name));
}

Status Layers::put(const Key& key, const Value& value, std::string origin) {
  if (!loaded_.locked_by.empty()) {
    Policy wanted = loaded_.policy;
    if (auto done = set(key, value, problems_, wanted); !done) return done;
    if (!may_become(key, wanted)) {
      loaded_.refused.push_back(key.name + " = " + toml_text(get(key, wanted)) + " (" + origin +
                                ")");
      return Done{};
    }
  }
  auto done = set(key, value, problems_, loaded_.policy);
  if (done) loaded_.origins[key.name] = std::move(origin);
  return done;
}

const Key* Layers::key_of(std::string_view name) {
  table_.take_in(name);
  return table_.find(name);
}

Error Layers::not_a_key(const std::string& file, const TomlEntry& entry) const {
  for (std::size_t names = 1; names <= entry.path.size(); ++names) {
    const std::string name = dotted(entry.path, names);
    const bool is_table = table_.is_table(name);
    if (is_table && names < entry.path.size()) continue;
    const std::string where = place(file, entry.path[names - 1].at) + ": ";
    if (const Key* key = table_.find(name))
      return Error{where + in_backquotes(name) + ": expected " + expectation(*key) +
                   ", found a table"};
    if (is_table)
      return Error{where + in_backquotes(name) + ": expected a table, found " +
                   describe(entry.value) + "; " + table_.keys_of(name)};
    const std::string whole = dotted(entry.path, entry.path.size());
    return Error{where + "unknown key " + in_backquotes(whole) + "; " + table_.suggestion(whole)};
  }
  return Error{place(file, entry.value_at) + ": not a key"};  // unreachable: paths are not empty
}

Status Layers::add_file(const std::string& name, std::string_view text, Lock lock) {
  const TomlDocument document = parse_toml(text);
  if (document.problem)
    return Error{place(name, document.problem->at) + ": " + document.problem->message +
                 line_at(text, document.problem->at)};
  if (auto version = check_version(name, document); !version) return version;
  std::set<std::string> seen;
  bool locks = false;
  for (const auto& entry : document.entries) {
    if (is_version(entry)) continue;
    if (is_lock(entry)) {
      if (auto done = check_lock(name, entry, lock); !done) return done;
      locks = says_true(entry);
      continue;
    }
    const std::string key_name = dotted(entry.path, entry.path.size());
    // A [table] that says nothing, such as one whose keys are all commented out.
    if (entry.value.as_object() != nullptr && table_.is_table(key_name)) continue;
    const Key* key = key_of(key_name);
    if (key == nullptr) return not_a_key(name, entry);
    // TOML refuses the same key twice, but not "python.abi" beside python.abi.
    const Position at = entry.path.back().at;
    if (!seen.insert(key->name).second)
      return Error{place(name, at) + ": `" + key_name + "` is set twice in this file" +
                   (key->name == key_name ? "" : ", here and as `" + key->name + "`")};
    auto done = put(*key, entry.value, base::printable(name) + ":" + std::to_string(at.line));
    if (!done)
      return std::move(done).error().context(place(name, entry.value_at) + ": `" + key_name + "`");
  }
  if (locks) {
    loaded_.locked_by = name;
    kept_ = std::move(seen);
  }
  return Done{};
}

bool is_locked(std::string_view text) {
  if (text.find("locked") == std::string_view::npos) return false;
  const TomlDocument document = parse_toml(text);
  return std::ranges::any_of(
      document.entries, [](const TomlEntry& entry) { return is_lock(entry) && says_true(entry); });
}

}  // namespace gpuinit::policy
