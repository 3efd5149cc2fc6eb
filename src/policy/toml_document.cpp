#include "policy/toml_document.h"

#include <algorithm>

#include "base/text.h"

// How toml++ is configured stands in CMakeLists.txt; the depth belongs to the
// limits in our header.
static_assert(TOML_MAX_NESTED_VALUES == gpuinit::policy::kMaxNestedValues);
#include <toml++/toml.h>

namespace gpuinit::policy {

namespace {

Position position(const toml::source_position& at) {
  return {std::max(at.line, 1U), std::max(at.column, 1U)};
}

Value convert(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::boolean:
      return {node.as_boolean()->get()};
    case toml::node_type::integer:
      return {node.as_integer()->get()};
    case toml::node_type::floating_point:
      return {node.as_floating_point()->get()};
    case toml::node_type::string:
      return {node.as_string()->get()};
    case toml::node_type::array:
      return {Value::Other{"an array"}};
    case toml::node_type::table:
      return {Value::Other{kTable}};
    default:
      return {Value::Other{"a date or time"}};
  }
}

void collect(const toml::table& table, std::vector<TomlKey>& path, std::vector<TomlEntry>& into) {
  for (const auto& [key, node] : table) {
    path.push_back({std::string(key.str()), position(key.source().begin)});
    if (const auto* inner = node.as_table(); inner != nullptr && !inner->empty())
      collect(*inner, path, into);
    else into.push_back({path, convert(node), position(node.source().begin)});
    path.pop_back();
  }
}

// Dotted keys nest without bound in toml++, and its tables are destroyed
// recursively. A key cannot go over the end of a line, so counting dots per
// line bounds the depth; lines of a comment may have as many as they like.
std::optional<TomlProblem> too_deep(std::string_view text) {
  unsigned number = 0;
  for (const auto line : base::split(text, '\n')) {
    ++number;
    if (base::trim(line).starts_with('#')) continue;
    if (static_cast<std::size_t>(std::count(line.begin(), line.end(), '.')) > kMaxDotsPerLine)
      return TomlProblem{{number, 1},
                         "more than " + std::to_string(kMaxDotsPerLine) + " dots in one line"};
  }
  return std::nullopt;
}

}  // namespace

std::string dotted(const std::vector<TomlKey>& path, std::size_t count) {
  std::string name;
  for (std::size_t i = 0; i < count; ++i) name += (i == 0 ? "" : ".") + path[i].name;
  return name;
}

TomlDocument parse_toml(std::string_view text) {
  TomlDocument document;
  if (text.size() > kMaxTomlBytes) {
    document.problem = {{}, "larger than the " + std::to_string(kMaxTomlBytes) + " bytes allowed"};
    return document;
  }
  if ((document.problem = too_deep(text))) return document;
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    document.problem = {position(error.source().begin), base::printable(error.description())};
    return document;
  }
  std::vector<TomlKey> path;
  collect(parsed.table(), path, document.entries);
  std::stable_sort(
      document.entries.begin(), document.entries.end(),
      [](const auto& a, const auto& b) { return a.path.back().at < b.path.back().at; });
  return document;
}

}  // namespace gpuinit::policy
