// Parameters: $name, ${name}, and what ${name OPERATION word} makes of them.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_expansion.h"

namespace gpuinit::image::shell {

namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t kMaxMatched = 4096;  // bytes in which every place is tried

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

}  // namespace

std::optional<std::string> Interpreter::separators() {
  const auto found = state.variables.find("IFS");
  if (found == state.variables.end()) return " \t\n";
  if (found->second.kind != Variable::Kind::kText) return std::nullopt;
  return found->second.text;
}

// An unset one is {"", known, !some}: is_set() tells it from an empty one.
Value Interpreter::get(std::string_view name) {
  if (name.size() == 1 || (name[0] >= '0' && name[0] <= '9')) {
    const auto number = base::parse_number(name);
    if (number && *number == 0) return {argv0};
    if (number) {
      if (!state.parameters_unknown.empty()) return unknown_value();
      return *number <= state.parameters.size() ? Value{state.parameters[*number - 1]} : Value{};
    }
    if (name == "#")
      return state.parameters_unknown.empty() ? Value{std::to_string(state.parameters.size())}
                                              : Value{"", false, true};
    // After a substitution in the same words, shells disagree.
    if (name == "?" && substitution_status) return {"", false, true};
    if (name == "?")
      return state.status >= 0 ? Value{std::to_string(state.status)} : Value{"", false, true};
    if (name == "$") return {"", false, true};
    if (name == "!") return unknown_value();
    if (name == "-") {
      // In bash's order; of the others only one is sure to stand where it stands.
      static constexpr std::pair<char, unsigned> kLetters[] = {{'a', kAllExport},
                                                               {'b', kOtherFlags << 2U},
                                                               {'e', kErrExit},
                                                               {'f', kNoGlob},
                                                               {'h', 0},
                                                               {'m', kOtherFlags << 3U},
                                                               {'u', kNoUnset},
                                                               {'v', kOtherFlags << 1U},
                                                               {'x', kOtherFlags},
                                                               {'B', 0},
                                                               {'E', kOtherFlags << 4U},
                                                               {'T', kOtherFlags << 5U}};
      Value letters;
      for (const auto& [letter, bit] : kLetters)
        if (bit == 0 ? bash() : (state.options & bit) != 0) letters.text += letter;
      if (bash() && takes_text) letters.text += 'c';
      if (dialect == Dialect::kSh || (!bash() && letters.text.size() > 1)) return unknown_value();
      return letters;
    }
  }
  if (bash() && name == "BASH_SOURCE") return sources.empty() ? Value{} : Value{*sources.back()};
  const auto found = state.variables.find(name);
  if (found == state.variables.end()) return {};
  const Variable& variable = found->second;
  switch (variable.kind) {
    case Variable::Kind::kUnset:
      return {};
    case Variable::Kind::kText:
      return {variable.text};
    case Variable::Kind::kList:
      return variable.items.empty() ? Value{} : Value{variable.items[0]};
    case Variable::Kind::kUnknown:
      break;
  }
  return {"", false, variable.some};
}

// nullopt: it may be.
std::optional<bool> Interpreter::is_set(std::string_view name) {
  if (name.size() == 1 && std::string_view("#?-$").find(name[0]) != npos) return true;
  if (name == "!") return std::nullopt;
  if (const auto number = base::parse_number(name)) {
    if (*number == 0) return true;
    if (!state.parameters_unknown.empty()) return std::nullopt;
    return *number <= state.parameters.size();
  }
  if (bash() && name == "BASH_SOURCE") return !sources.empty();
  const auto found = state.variables.find(name);
  if (found == state.variables.end()) return false;
  const Variable& variable = found->second;
  if (variable.kind == Variable::Kind::kUnknown)
    return variable.some ? std::optional(true) : std::nullopt;
  return variable.kind == Variable::Kind::kText || !variable.items.empty();
}

void Interpreter::set(std::string_view name, Value value) {
  if (!going()) return;
  Variable& into = variable(name);
  if (into.read_only) return unclear("`%` is read-only", name);
  if (always_unknown.count(name) != 0) value = unknown_value();
  into.items.clear();
  into.since.clear();
  into.kind = value.known ? Variable::Kind::kText : Variable::Kind::kUnknown;
  if (!value.known) into.since = place();
  into.some = !value.known && value.surely_not_empty();
  into.text = value.known ? std::move(value.text) : "";
  if ((state.options & kAllExport) != 0) {
    into.exported = true;
    into.perhaps = false;
  }
}

// "$@", "$*", "${name[@]}". True if it had no words.
bool Expansion::all_of(const std::string& array, bool joined, bool quoted) {
  std::vector<Value> values;
  if (array.empty()) {
    if (!shell_.state.parameters_unknown.empty()) {
      unknown_list(quoted);
      return false;
    }
    for (const auto& parameter : shell_.state.parameters) values.push_back({parameter});
  } else {
    const auto found = shell_.state.variables.find(array);
    if (found != shell_.state.variables.end()) {
      const Variable& variable = found->second;
      if (variable.kind == Variable::Kind::kUnknown) {
        unknown_list(quoted);
        return false;
      }
      for (const auto& item : variable.items) values.push_back({item});
      if (variable.kind == Variable::Kind::kText) values.push_back({variable.text});
    }
  }
  list(values, quoted, joined);
  return values.empty();
}

bool Expansion::parameter(const std::string& name, bool quoted) {
  if (name == "@" || name == "*") return all_of("", name == "*", quoted) && name == "@";
  if ((shell_.state.options & kNoUnset) != 0 && shell_.is_set(name) == false) {
    shell_.stop_failing("`%` is not set", name);
    return false;
  }
  value(shell_.get(name), quoted);
  return false;
}

// What stands between "${" and "}".
bool Expansion::braces(std::string_view content, bool quoted) {
  const bool length = content.starts_with("#") && content.size() > 1 &&
                      std::string_view(":-=+?#%}").find(content[1]) == npos;
  const bool indirect = content.starts_with("!") && content.size() > 1 && shell_.bash();
  if (length || indirect) content.remove_prefix(1);
  auto end = name_end(content);
  while (end < content.size() && content[end] >= '0' && content[end] <= '9' &&
         (end == 0 || content[0] <= '9'))
    ++end;
  if (end == 0 && !content.empty() && std::string_view("@*#?-$!").find(content[0]) != npos) end = 1;
  if (end == 0) {
    shell_.unclear("a `${` that is not understood here");
    return false;
  }
  std::string name(content.substr(0, end));
  std::string_view operation = content.substr(end);
  std::optional<Value> element;
  if (operation.starts_with("[")) {
    const auto close = operation.find(']');
    if (!shell_.bash() || close == npos) {
      shell_.unclear("an array");
      return false;
    }
    const auto index = operation.substr(1, close - 1);
    operation.remove_prefix(close + 1);
    if (index == "@" || index == "*") {
      if (length) {
        const auto found = shell_.state.variables.find(name);
        if (found == shell_.state.variables.end()) value({"0"}, quoted);
        else if (found->second.kind == Variable::Kind::kUnknown) unknown({"", false, true}, quoted);
        else
          value({std::to_string(
                    found->second.kind == Variable::Kind::kText ? 1 : found->second.items.size())},
                quoted);
        return false;
      }
      if (operation.empty() && !indirect && name != "BASH_SOURCE")
        return all_of(name, index == "*", quoted);
      if (operation.starts_with("+") || operation.starts_with(":+") || operation.starts_with("-") ||
          operation.starts_with(":-")) {
        // ${a[@]+"${a[@]}"}: how old shells are kept from failing at an empty one.
        const auto found = shell_.state.variables.find(name);
        const bool unset =
            found == shell_.state.variables.end() ||
            (found->second.kind == Variable::Kind::kList && found->second.items.empty());
        if (unset) {
          if (operation.find('-') < 2)
            walk(operation.substr(operation.find('-') + 1), quoted, true);
          return operation.find('+') < 2;
        }
      }
      if (operation == "+\"${" + name + "[@]}\"" && !quoted) return all_of(name, false, true);
      unknown_list(quoted);
      return false;
    }
    const auto found = shell_.state.variables.find(name);
    const auto number = shell_.arithmetic(index);
    if (name == "BASH_SOURCE" && index == "0") {
      element = shell_.get(name);
    } else if (!number || found == shell_.state.variables.end() ||
               found->second.kind == Variable::Kind::kUnknown) {
      element = found == shell_.state.variables.end() && number ? Value{} : unknown_value();
      if (element->known && !operation.empty()) element = unknown_value();
    } else if (found->second.kind == Variable::Kind::kText) {
      element = *number == 0 ? Value{found->second.text} : unknown_value();
    } else {
      const auto& items = found->second.items;
      const auto at = *number < 0 ? *number + static_cast<long long>(items.size()) : *number;
      if (at >= 0 && at < static_cast<long long>(items.size()))
        element = Value{items[static_cast<std::size_t>(at)]};
      else element = unknown_value();
    }
    name.clear();
  }
  if (indirect) {
    if (name.empty() || !operation.empty() || name == "@" || name == "*") {
      unknown_list(quoted);
      return false;
    }
    const Value target = shell_.get(name);
    if (!target.known || !is_name(target.text)) {
      unknown(unknown_value(), quoted);
      return false;
    }
    return parameter(target.text, quoted);
  }
  if (length) {
    const Value current = element ? *element : shell_.get(name);
    if (name == "@" || name == "*") return parameter("#", quoted);
    if ((shell_.state.options & kNoUnset) != 0 && !element && shell_.is_set(name) == false) {
      shell_.stop_failing("`%` is not set", name);
      return false;
    }
    if (!operation.empty() || !current.known || !is_ascii(current.text))
      unknown({"", false, true}, quoted);
    else value({std::to_string(current.text.size())}, quoted);
    return false;
  }
  if (operation.empty()) {
    if (element) value(*element, quoted);
    else return parameter(name, quoted);
    return false;
  }
  if (name == "@" || name == "*") {
    const bool none = shell_.state.parameters.empty() && shell_.state.parameters_unknown.empty();
    const char kind = operation[0] == ':' && operation.size() > 1 ? operation[1] : operation[0];
    const bool simple =
        shell_.state.parameters_unknown.empty() &&
        (shell_.state.parameters.size() > 1 || none || !shell_.state.parameters[0].empty());
    if (simple && (kind == '-' || kind == '+')) {
      if (none == (kind == '-')) {
        walk(operation.substr(operation[0] == ':' ? 2 : 1), quoted, true);
        return false;
      }
      return kind == '-' ? all_of("", name == "*", quoted) : true;
    }
    unknown_list(quoted);
    return false;
  }
  if (element) {
    // Whether an element is set is not followed; whether it is empty is.
    if (operation[0] != ':' && std::string_view("-+=?").find(operation[0]) != npos)
      element = unknown_value();
    operate("", *element, operation, quoted);
  } else {
    operate(name, shell_.get(name), operation, quoted);
  }
  return false;
}

void Expansion::operate(const std::string& name, const Value& current, std::string_view operation,
                        bool quoted) {
  const bool colon = operation.starts_with(":") && operation.size() > 1 &&
                     std::string_view("-+=?").find(operation[1]) != npos;
  const char kind = operation[colon ? 1 : 0];
  const std::string_view word = operation.substr(colon ? 2 : 1);
  if (std::string_view("-+=?").find(kind) == npos) {
    if ((shell_.state.options & kNoUnset) != 0 && !name.empty() && shell_.is_set(name) == false)
      return shell_.stop_failing("`%` is not set", name);
    return value(transformed(current, operation), quoted);
  }
  // Does the parameter stand for itself?
  std::optional<bool> itself;
  if (colon) {
    if (current.known || current.surely_not_empty()) itself = current.surely_not_empty();
  } else if (!name.empty()) {
    itself = shell_.is_set(name);
  }
  if (kind == '+') {
    if (!itself) {
      // Nothing, or a word: one word of it at most if that is so between quotes.
      return unknown(unknown_value(), quoted);
    }
    if (*itself) walk(word, quoted, true);
    return;
  }
  if (!itself) {
    if (kind == '=') shell_.set(name, unknown_value());
    return unknown({"", false, current.some}, quoted);
  }
  if (*itself) return value(current, quoted);
  if (kind == '-') return walk(word, quoted, true);
  if (kind == '?') return shell_.stop_failing("`%` is not set", name);
  if (!is_name(name)) return shell_.unclear("an assignment to $%", name);
  // Assigned as one word, then split where it stands.
  Expansion assigned(shell_, false, true, true);
  assigned.walk(word, quoted, true);
  Words words = assigned.take();
  Value result = words.words.empty() ? Value{} : std::move(words.words[0]);
  shell_.set(name, result);
  value(result, quoted);
}

// ${x#p} ${x##p} ${x%p} ${x%%p} ${x/p/r} ${x:from:length} ${x^^} ${x,,}
Value Expansion::transformed(const Value& current, std::string_view operation) {
  const char kind = operation[0];
  if (kind == '#' || kind == '%') {
    const bool longest = operation.size() > 1 && operation[1] == kind;
    const Value pattern = shell_.expand_pattern(operation.substr(longest ? 2 : 1));
    if (!current.known || !pattern.known) return unknown_value();
    const std::string& text = current.text;
    if (text.size() > kMaxMatched || !shell_.spend(text.size() * 16)) return unknown_value();
    for (std::size_t n = 0; n <= text.size(); ++n) {
      const std::size_t size = longest ? text.size() - n : n;
      const std::size_t rest = text.size() - size;
      const auto hit =
          shell_.matches(pattern.text, kind == '#' ? std::string_view(text).substr(0, size)
                                                   : std::string_view(text).substr(rest));
      if (!hit) return unknown_value();
      if (*hit) return {kind == '#' ? text.substr(size) : text.substr(0, rest)};
    }
    return current;
  }
  if (!shell_.bash()) {
    shell_.unclear("a `${` that is not POSIX");
    return unknown_value();
  }
  if (operation == "^^" || operation == ",,") {
    if (!current.known || !is_ascii(current.text)) return {"", false, current.surely_not_empty()};
    Value changed = current;
    for (char& c : changed.text) {
      if (kind == '^' && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
      if (kind == ',' && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return changed;
  }
  if (kind == ':') {
    const auto parts = base::split(operation.substr(1), ':');
    if (!current.known || !is_ascii(current.text) || parts.size() > 2) return unknown_value();
    const auto size = static_cast<long long>(current.text.size());
    auto from = shell_.arithmetic(parts[0]);
    auto count = parts.size() == 2 ? shell_.arithmetic(parts[1]) : std::optional(size);
    if (!from || !count) return unknown_value();
    if (*from < 0) *from += size;
    if (*from < 0 || *from > size) return {};
    auto last = *count < 0 ? size + *count : std::min(size, *from + std::min(*count, size));
    if (last < *from) return unknown_value();
    return {current.text.substr(static_cast<std::size_t>(*from),
                                static_cast<std::size_t>(last - *from))};
  }
  if (kind == '/') {
    const bool everywhere = operation.starts_with("//");
    std::string_view rest = operation.substr(everywhere ? 2 : 1);
    // The pattern ends at a '/' that is not quoted.
    std::size_t slash = 0;
    while (slash < rest.size() && rest[slash] != '/') {
      const char c = rest[slash];
      if (c == '\'' || c == '"') slash = skip_quoted(rest, slash, true);
      else if (c == '$' || c == '`') slash = skip_expansion(rest, slash, true);
      else slash += c == '\\' ? 2 : 1;
    }
    slash = std::min(slash, rest.size());
    const Value pattern = shell_.expand_pattern(rest.substr(0, slash));
    const Value to = slash < rest.size() ? shell_.expand_one(rest.substr(slash + 1)) : Value{};
    // Only patterns that are a text, and no & in what comes instead (bash 5.2 takes it for that).
    if (!current.known || !pattern.known || !to.known || current.text.size() > kMaxMatched ||
        pattern.text.empty() || pattern.text.find_first_of("*?[") != npos ||
        pattern.text[0] == '#' || pattern.text[0] == '%' || to.text.find_first_of("&\\") != npos)
      return unknown_value();
    std::string plain;
    for (std::size_t i = 0; i < pattern.text.size(); ++i) {
      if (pattern.text[i] == '\\' && i + 1 < pattern.text.size()) ++i;
      plain += pattern.text[i];
    }
    Value changed = current;
    for (std::size_t at = changed.text.find(plain); at != npos; at = changed.text.find(plain, at)) {
      changed.text.replace(at, plain.size(), to.text);
      at += to.text.size();
      if (!everywhere || !shell_.spend(changed.text.size())) break;
    }
    return changed;
  }
  return unknown_value();  // ${x@Q} and the like
}

}  // namespace gpuinit::image::shell
