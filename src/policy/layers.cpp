#include "policy/layers.h"

#include <set>

#include "base/text.h"
#include "policy/toml_document.h"

namespace gpuinit::policy {

namespace {

constexpr char kBuiltIn[] = "built in";
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

bool is_version(const TomlEntry& entry) {
  return entry.path.size() == 1 && entry.path[0].name == "version";
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

Layers::Layers(std::span<const CheckInfo> checks, Problems problems)
    : table_(checks),
      problems_(std::move(problems)),
      policy_(table_.built_in()),
      fixed_(table_.keys().size()),
      origins_(fixed_, kBuiltIn) {}

Status Layers::put(const Key& key, const Value& value, std::string origin) {
  auto done = set(key, value, problems_, policy_);
  if (done) origins_[static_cast<std::size_t>(&key - table_.keys().data())] = std::move(origin);
  return done;
}

const Key* Layers::key_of(std::string_view name) {
  table_.take_in(name);
  if (origins_.size() < table_.keys().size()) origins_.emplace_back(kBuiltIn);
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

Status Layers::add_file(const std::string& name, std::string_view text) {
  const TomlDocument document = parse_toml(text);
  if (document.problem)
    return Error{place(name, document.problem->at) + ": " + document.problem->message +
                 line_at(text, document.problem->at)};
  if (auto version = check_version(name, document); !version) return version;
  std::set<std::string> seen;
  for (const auto& entry : document.entries) {
    if (is_version(entry)) continue;
    const std::string key_name = dotted(entry.path, entry.path.size());
    // A [table] that says nothing, such as one whose keys are all commented out.
    if (entry.value.as_object() != nullptr && table_.is_table(key_name)) continue;
    const Key* key = key_of(key_name);
    if (key == nullptr) return not_a_key(name, entry);
    // TOML refuses the same key twice, but not "python.abi" beside python.abi.
    const Position at = entry.path.back().at;
    if (!seen.insert(key_name).second)
      return Error{place(name, at) + ": `" + key_name + "` is set twice in this file"};
    auto done = put(*key, entry.value, base::printable(name) + ":" + std::to_string(at.line));
    if (!done)
      return std::move(done).error().context(place(name, entry.value_at) + ": `" + key_name + "`");
  }
  return Done{};
}

LoadedPolicy Layers::loaded() const {
  LoadedPolicy result{policy_, {}};
  const auto show = [&](std::size_t i) {
    const Key& key = table_.keys()[i];
    if (!key.hidden_unless_set || origins_[i] != kBuiltIn)
      result.keys.push_back({key.name, get(key, policy_), origins_[i]});
  };
  for (std::size_t i = 0; i < fixed_; ++i) {
    show(i);
    // Those of distributions, with the rest of their table.
    for (std::size_t j = fixed_; j < origins_.size() && table_.keys()[i].name == "expect.driver";
         ++j)
      show(j);
  }
  return result;
}

}  // namespace gpuinit::policy
