// PEP 508: names, extras, versions, markers.
#include "rules/python_requirement.h"

#include <algorithm>

#include "base/python_name.h"
#include "base/text.h"

namespace gpuinit::rules {

namespace {

constexpr std::size_t kMaxText = 8ULL * 1024;
constexpr int kMaxDepth = 32;  // parentheses in a marker

bool is_name_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_version_variable(std::string_view name) {
  if (!name.ends_with('n')) return false;  // asked of every operand
  return name == "python_version" || name == "python_full_version" ||
         name == "implementation_version";
}

// One side of a comparison.
struct Operand {
  std::string_view variable;  // empty: a literal
  std::string value;
  bool known = true;
};

Tristate compare(const Operand& left, std::string_view op, const Operand& right) {
  if (!left.known || !right.known) return Tristate::kUnknown;
  if (op == "in") return to_tristate(right.value.find(left.value) != std::string::npos);
  if (op == "not in") return to_tristate(right.value.find(left.value) == std::string::npos);
  if (is_version_variable(left.variable) || is_version_variable(right.variable)) {
    const auto specifier = parse_python_specifier(std::string(op) + right.value);
    return specifier ? satisfies(left.value, *specifier) : Tristate::kUnknown;
  }
  if (left.variable == "extra" || right.variable == "extra") {
    const bool same = base::normalized_name(left.value) == base::normalized_name(right.value);
    if (op == "==" || op == "!=") return to_tristate(same == (op == "=="));
  }
  if (op == "==" || op == "===") return to_tristate(left.value == right.value);
  if (op == "!=") return to_tristate(left.value != right.value);
  return Tristate::kUnknown;  // words have no order that anyone agrees on
}

class MarkerReader {
 public:
  MarkerReader(std::string_view text, const MarkerVariables& variables)
      : text_(text), variables_(variables) {}

  Tristate read() {
    const Tristate answer = read_or(0);
    skip_blanks();
    return broken_ || !text_.empty() ? Tristate::kUnknown : answer;
  }

 private:
  void skip_blanks() {
    while (!text_.empty() && is_blank(text_[0])) text_.remove_prefix(1);
  }

  // A word that ends where a name ends.
  bool take_word(std::string_view word) {
    skip_blanks();
    if (!text_.starts_with(word)) return false;
    if (text_.size() > word.size() && is_name_part(text_[word.size()])) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  Tristate fail() {
    broken_ = true;
    return Tristate::kUnknown;
  }

  Tristate read_or(int depth) {
    Tristate answer = read_and(depth);
    while (!broken_ && take_word("or")) answer = either(answer, read_and(depth));
    return answer;
  }

  Tristate read_and(int depth) {
    Tristate answer = read_comparison(depth);
    while (!broken_ && take_word("and")) answer = both(answer, read_comparison(depth));
    return answer;
  }

  Tristate read_comparison(int depth) {
    skip_blanks();
    if (text_.starts_with('(')) {
      if (depth == kMaxDepth) return fail();
      text_.remove_prefix(1);
      const Tristate answer = read_or(depth + 1);
      skip_blanks();
      if (broken_ || !text_.starts_with(')')) return fail();
      text_.remove_prefix(1);
      return answer;
    }
    const auto left = read_operand();
    const std::string_view op = read_operator();
    const auto right = read_operand();
    if (!left || op.empty() || !right) return fail();
    return compare(*left, op, *right);
  }

  std::string_view read_operator() {
    skip_blanks();
    for (const std::string_view op : {"===", "==", "~=", "!=", "<=", ">=", "<", ">"}) {
      if (!text_.starts_with(op)) continue;
      text_.remove_prefix(op.size());
      return op;
    }
    if (take_word("in")) return "in";
    if (take_word("not") && take_word("in")) return "not in";
    return "";
  }

  std::optional<Operand> read_operand() {
    skip_blanks();
    Operand operand;
    if (text_.starts_with('"') || text_.starts_with('\'')) {
      const auto end = text_.find(text_[0], 1);
      if (end == std::string_view::npos) return std::nullopt;
      operand.value = text_.substr(1, end - 1);
      text_.remove_prefix(end + 1);
      return operand;
    }
    const auto end = std::find_if_not(text_.begin(), text_.end(), is_name_part);
    operand.variable = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    if (operand.variable.empty()) return std::nullopt;
    text_.remove_prefix(operand.variable.size());
    const auto found = variables_.find(operand.variable);
    operand.known = found != variables_.end();
    if (operand.known) operand.value = found->second;
    return operand;
  }

  std::string_view text_;
  const MarkerVariables& variables_;
  bool broken_ = false;
};

}  // namespace

std::optional<PythonRequirement> parse_python_requirement(std::string_view text) {
  if (text.size() > kMaxText) return std::nullopt;
  text = base::trim(text);
  const auto end = std::find_if_not(text.begin(), text.end(), is_name_part);
  const auto length = static_cast<std::size_t>(end - text.begin());
  if (length == 0) return std::nullopt;
  PythonRequirement requirement;
  requirement.name = base::normalized_name(text.substr(0, length));
  text = base::trim(text.substr(length));
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    requirement.extras = base::trim(text.substr(1, close - 1));
    text = base::trim(text.substr(close + 1));
  }
  if (text.starts_with('@')) {
    // A URL may have a ';' of its own: a marker stands behind a blank.
    const auto marker = text.find(" ;");
    requirement.url =
        base::trim(text.substr(1, marker == std::string_view::npos ? marker : marker - 1));
    if (marker != std::string_view::npos) requirement.marker = base::trim(text.substr(marker + 2));
    return requirement;
  }
  const auto semicolon = text.find(';');
  if (semicolon != std::string_view::npos)
    requirement.marker = base::trim(text.substr(semicolon + 1));
  text = base::trim(text.substr(0, semicolon));
  if (text.starts_with('(')) {
    if (!text.ends_with(')')) return std::nullopt;
    text = base::trim(text.substr(1, text.size() - 2));
  }
  requirement.specifiers = text;
  return requirement;
}

MarkerVariables linux_markers(std::string_view version, std::string_view machine) {
  MarkerVariables variables{{"os_name", "posix"},
                            {"sys_platform", "linux"},
                            {"platform_system", "Linux"},
                            {"platform_python_implementation", "CPython"},
                            {"implementation_name", "cpython"},
                            {"extra", ""}};
  if (!machine.empty()) variables["platform_machine"] = machine;
  const auto parts = base::split(version, '.');
  if (parts.size() < 2) return variables;
  variables["python_version"] = std::string(parts[0]) + "." + std::string(parts[1]);
  if (parts.size() > 2)
    variables["python_full_version"] = variables["implementation_version"] = version;
  return variables;
}

Tristate holds_marker(std::string_view marker, const MarkerVariables& variables) {
  if (base::trim(marker).empty()) return Tristate::kYes;
  if (marker.size() > kMaxText) return Tristate::kUnknown;
  return MarkerReader(marker, variables).read();
}

}  // namespace gpuinit::rules
