// Assignments, and export, readonly, local, declare.
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

void Interpreter::assign(std::string_view raw) {
  const auto begin = assignment_value(raw);
  const std::string name(raw.substr(0, name_end(raw)));
  const bool append = raw[begin - 2] == '+';
  std::string_view text = raw.substr(begin);
  if (raw[name.size()] == '[') {  // an element
    Value value = expand_one(text);
    auto& variable = state.variables[name];
    const auto index = raw.substr(name.size() + 1, raw.find(']') - name.size() - 1);
    const auto at = base::parse_number(index);
    if (variable.read_only) return unclear("`%` is read-only", name);
    if (variable.kind == Variable::Kind::kList && at && *at <= variable.items.size() && !append &&
        value.known) {
      if (*at == variable.items.size()) variable.items.emplace_back();
      variable.items[*at] = std::move(value.text);
      return;
    }
    return set(name, unknown_value());
  }
  if (text.starts_with("(") && bash()) {
    const Words items = expand(array_words(text.substr(1, text.size() - 2)));
    if (!going()) return;
    bool known = items.known();
    for (const auto& item : array_words(text.substr(1, text.size() - 2)))
      if (item.starts_with("[")) known = false;
    auto& variable = state.variables[name];
    if (variable.read_only) return unclear("`%` is read-only", name);
    if (append && variable.kind == Variable::Kind::kUnknown) known = false;
    if (!known) return set(name, unknown_value());
    std::vector<std::string> all;
    if (append && variable.kind == Variable::Kind::kText) all.push_back(variable.text);
    if (append) all.insert(all.end(), variable.items.begin(), variable.items.end());
    for (const auto& item : items.words) all.push_back(item.text);
    if (all.size() > 4096) return unclear("a list that is too long");
    variable.kind = Variable::Kind::kList;
    variable.text.clear();
    variable.items = std::move(all);
    return;
  }
  Value value = expand_one(text);
  if (!going()) return;
  const auto found = state.variables.find(name);
  const bool is_list =
      found != state.variables.end() && found->second.kind == Variable::Kind::kList;
  if (append && !bash()) return unclear("a `+=`");
  if (is_list) {
    // The first element is meant.
    if (append || !value.known || found->second.items.empty()) return set(name, unknown_value());
    found->second.items[0] = std::move(value.text);
    return;
  }
  if (append) {
    Value all = get(name);
    if (all.known) all.text += value.text;
    all.known = all.known && value.known;
    all.some = all.some || value.some;
    if (all.text.size() > kMaxWord) return unclear("a word that is too long");
    value = std::move(all);
  }
  set(name, std::move(value));
}

Interpreter::Saved Interpreter::assign_for_command(const Node& node) {
  Saved saved;
  for (std::size_t at = 0; at < node.assignments && going(); ++at) {
    const std::string name = node.words[at].substr(0, name_end(node.words[at]));
    const auto found = state.variables.find(name);
    saved.emplace(name,
                  found == state.variables.end() ? std::nullopt : std::optional(found->second));
    assign(node.words[at]);
    variable(name).exported = true;
    variable(name).perhaps = false;
  }
  return saved;
}

void Interpreter::restore(const Saved& saved) {
  for (const auto& [name, variable] : saved) {
    if (variable) state.variables[name] = *variable;
    else state.variables.erase(name);
  }
}

// One NAME of a declaration, before its value is set. `flags`: x, r, a, g, L (local), n (export
// -n).
void Interpreter::declare_one(std::string_view name, std::string_view flags) {
  if (!is_name(name)) return unclear("a declaration of `%`", name);
  const auto has = [&](char flag) { return flags.find(flag) != std::string::npos; };
  if (has('L') && !state.hidden.empty()) {
    auto& hidden = state.hidden.back();
    const auto found = state.variables.find(name);
    const bool first =
        hidden
            .emplace(std::string(name), found == state.variables.end() ? Variable{} : found->second)
            .second;
    if (first && bash()) {
      Variable fresh;
      fresh.exported = found != state.variables.end() && found->second.exported;
      if (found != state.variables.end() && found->second.read_only)
        return unclear("`%` is read-only", name);
      variable(name) = fresh;
    }
  }
  Variable& declared = variable(name);
  if (has('x') || has('n')) {
    declared.exported = has('x');
    declared.perhaps = false;
  }
  if (has('a') && declared.kind == Variable::Kind::kUnset) declared.kind = Variable::Kind::kList;
  if (has('A')) {
    declared.kind = Variable::Kind::kUnknown;
    declared.since = place();
  }
}

void Interpreter::declare(const Node& node, std::size_t first) {
  const std::string command = node.words[first];
  std::string flags;
  if (command == "export") flags = "x";
  if (command == "local" && state.hidden.empty()) return unclear("a `local` outside of a function");
  if (command != "export" && command != "readonly") flags = "L";
  bool options = true;
  bool prints = first + 1 == node.words.size();
  std::vector<std::string> read_only;
  substitution_status.reset();
  for (std::size_t at = first + 1; at < node.words.size() && going(); ++at) {
    const std::string& raw = node.words[at];
    if (raw == "--") {
      options = false;
      continue;
    }
    if (options && (raw.starts_with("-") || raw.starts_with("+"))) {
      for (const char c : raw.substr(1)) {
        if (c == 'p' || c == 'f' || c == 'F') {
          prints = true;
          if (command == "export" && c == 'f') return unclear("an exported function");
        } else if (c == 'g' && command != "export") {
          flags.erase(flags.find('L') == std::string::npos ? flags.size() : flags.find('L'), 1);
        } else if (c == 'n' && command == "export") {
          flags = "n";
        } else if (std::string_view("xraA").find(c) != std::string_view::npos && raw[0] == '-') {
          flags += c;
        } else {
          return unclear("a declaration with `%`", raw);
        }
      }
      continue;
    }
    if (prints) continue;  // declare -f NAME
    const bool freezes = command == "readonly" || flags.find('r') != std::string::npos;
    if (assignment_value(raw) != std::string_view::npos) {
      const std::string name = raw.substr(0, name_end(raw));
      if (bash() && flags.find('L') != std::string::npos) {
        // The value is expanded before the name is hidden: local x="$x".
        const auto text = std::string_view(raw).substr(assignment_value(raw));
        const bool plain = raw[name.size()] == '=' && !text.starts_with("(");
        if (!plain && (raw[name.size()] != '=' || raw.find("$" + name) != std::string::npos ||
                       raw.find("{" + name) != std::string::npos))
          return unclear("`%`", command);
        Value value = plain ? expand_one(text) : Value{};
        if (!going()) return;
        declare_one(name, flags);
        if (!going()) return;
        if (flags.find('A') != std::string::npos) set(name, unknown_value());
        else if (plain) set(name, std::move(value));
        else assign(raw);
      } else {
        // Whether this is split depends on the shell and its age.
        const auto text = std::string_view(raw).substr(assignment_value(raw));
        assign(raw);
        if (!going()) return;
        const Value value = get(name);
        const bool quoted = text.find_first_of("$`") == std::string_view::npos ||
                            (text.starts_with("\"") && text.ends_with("\""));
        if (!bash() && !quoted &&
            (!value.known || value.text.find_first_of(" \t\n*?[") != std::string::npos))
          return unclear("`%` of something without quotes", command);
        if (command == "local") return unclear("`local` with a value in this shell");
        declare_one(name, flags);
      }
      if (freezes) read_only.push_back(name);
      continue;
    }
    const Words names = expand({raw});
    if (!going()) return;
    if (!names.known()) return unclear("`%` of something unknown", command);
    for (const auto& word : names.words) {
      const auto equals = word.text.find('=');
      declare_one(word.text.substr(0, equals), flags);
      if (equals != std::string::npos)
        set(word.text.substr(0, equals), {word.text.substr(equals + 1)});
      if (freezes) read_only.push_back(word.text.substr(0, equals));
    }
  }
  if (!going()) return;
  for (const auto& name : read_only) state.variables[name].read_only = true;
  status(prints ? -1 : 0);
  if (prints) print_unknown();
}

}  // namespace gpuinit::image::shell
