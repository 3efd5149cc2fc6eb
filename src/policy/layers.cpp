#include "policy/layers.h"

#include <algorithm>

#include "base/text.h"
#include "policy/toml_document.h"
#include "rules/version.h"

namespace gpuinit::policy {

namespace {

constexpr std::int64_t kVersion = 1;  // the `version` of the files we understand
constexpr std::string_view kVersionKey = "version";
constexpr std::string_view kRequires = "requires";  // versions of gpuinit

std::string place(const std::string& name, const Position& at) {
  return base::printable(name) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

using base::in_backquotes;

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
bool is_version(const TomlEntry& entry) { return is_top(entry, kVersionKey); }
bool is_lock(const TomlEntry& entry) { return is_top(entry, "locked"); }
bool is_requires(const TomlEntry& entry) { return is_top(entry, kRequires); }

bool says_true(const TomlEntry& entry) {
  const bool* value = entry.value.as_bool();
  return value != nullptr && *value;
}

// The problem with `locked`; empty if there is none.
std::string lock_problem(const std::string& file, const TomlEntry& entry, Layers::Lock lock) {
  const std::string where = place(file, entry.path[0].at) + ": `locked`: ";
  if (lock == Layers::Lock::kMayNot) return where + "only /etc/gpuinit/policy.toml can be locked";
  if (entry.value.as_bool() == nullptr)
    return where + "expected true or false, found " + describe(entry.value);
  return "";
}

// The problem with `requires`, the versions of gpuinit that the file is for; empty if there is
// none.
std::string requires_problem(const std::string& file, const TomlEntry& entry) {
  const std::string where = place(file, entry.value_at) + ": `requires`: ";
  const std::string* text = entry.value.as_string();
  if (text == nullptr)
    return where + R"(expected a version range as text, such as ">=0.2", found )" +
           describe(entry.value);
  const auto range = rules::parse_version_range(*text);
  if (!range) return where + range.error().message;
  if (range->contains(*rules::parse_version(GPUINIT_VERSION))) return "";
  return where + "this file needs gpuinit " + base::printable(*text, 60) +
         ", and this is gpuinit " GPUINIT_VERSION;
}

enum class Version { kOurs, kMissing, kOther };

Version version_of(const TomlDocument& document, const TomlEntry*& found) {
  for (const auto& entry : document.entries) {
    if (!is_version(entry)) continue;
    found = &entry;
    const auto* version = std::get_if<std::int64_t>(&entry.value.value);
    return version != nullptr && *version == kVersion ? Version::kOurs : Version::kOther;
  }
  return Version::kMissing;
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

const Key* Layers::key_of(std::string& name) {
  name = canonical_name(std::move(name));
  table_.take_in(name);
  return table_.find(name);
}

std::string Layers::not_a_key(const std::string& file, const TomlEntry& entry) const {
  for (std::size_t names = 1; names <= entry.path.size(); ++names) {
    const std::string name = dotted(entry.path, names);
    const bool is_table = table_.is_table(name);
    if (is_table && names < entry.path.size()) continue;
    const std::string where = place(file, entry.path[names - 1].at) + ": ";
    if (const Key* key = table_.find(name))
      return where + in_backquotes(name) + ": expected " + expectation(*key) + ", found a table";
    if (is_table)
      return where + in_backquotes(name) + ": expected a table, found " + describe(entry.value) +
             "; " + table_.keys_of(name);
    const std::string whole = dotted(entry.path, entry.path.size());
    if (entry.path.back().name == kRequires)
      return where + "`requires` stands above the first [table]";
    return where + "unknown key " + in_backquotes(whole) + "; " + table_.suggestion(whole);
  }
  return place(file, entry.value_at) + ": not a key";  // unreachable: paths are not empty
}

std::string Layers::add_entry(const std::string& file, const TomlEntry& entry,
                              std::set<std::string>& seen) {
  std::string name = dotted(entry.path, entry.path.size());
  // A [table] that says nothing, such as one whose keys are all commented out.
  if (entry.value.as_object() != nullptr && table_.is_table(name)) return "";
  const Key* key = key_of(name);
  if (key == nullptr) return not_a_key(file, entry);
  // TOML refuses the same key twice, but not "python.abi" beside python.abi.
  const Position at = entry.path.back().at;
  if (!seen.insert(key->name).second)
    return place(file, at) + ": `" + name + "` is set twice in this file" +
           (key->name == name ? "" : ", here and as `" + key->name + "`");
  const auto done = put(*key, entry.value, base::printable(file) + ":" + std::to_string(at.line));
  return done ? "" : place(file, entry.value_at) + ": `" + name + "`: " + done.error().message;
}

Status Layers::add_file(const std::string& name, std::string_view text, Lock lock) {
  const TomlDocument document = parse_toml(text);
  // Another gpuinit knows what this one would not understand here.
  for (const TomlEntry& entry : document.entries)
    if (std::string problem = is_requires(entry) ? requires_problem(name, entry) : "";
        !problem.empty())
      return Error{std::move(problem)};
  // With their lines: TOML that is not understood is told apart from what it says.
  std::vector<std::pair<Position, std::string>> problems;
  for (const TomlProblem& problem : document.problems)
    problems.emplace_back(
        problem.at, place(name, problem.at) + ": " + problem.message + line_at(text, problem.at));
  const TomlEntry* found = nullptr;
  const Version version = version_of(document, found);
  if (version == Version::kOther)  // what its keys mean is not known
    return Error{place(name, found->value_at) + ": `version`: expected 1, found " +
                 describe(found->value)};
  if (version == Version::kMissing && document.problems.empty())
    problems.emplace_back(Position{}, place(name, {}) +
                                          ": `version = 1` is missing; it stands above the first "
                                          "[table]");
  std::set<std::string> seen;
  bool locks = false;
  for (const auto& entry : document.entries) {
    // One below a table has been told of.
    if (is_version(entry) || is_requires(entry) ||
        (version == Version::kMissing && entry.path.back().name == kVersionKey))
      continue;
    locks = locks || (is_lock(entry) && says_true(entry));
    std::string problem = is_lock(entry) ? lock_problem(name, entry, lock)  //
                                         : add_entry(name, entry, seen);
    if (!problem.empty()) problems.emplace_back(entry.path.back().at, std::move(problem));
  }
  if (!problems.empty()) {
    std::ranges::stable_sort(problems, {}, &std::pair<Position, std::string>::first);
    std::vector<std::string> lines;
    for (auto& [at, line] : problems) lines.push_back(std::move(line));
    return Error{base::join_with(lines, "\n")};
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
