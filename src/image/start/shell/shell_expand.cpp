// What becomes of words: parameters, substitutions, quotes, splitting, file name patterns.
// Source: POSIX.1-2017, XCU 2.6 "Word Expansions"; Bash Reference Manual, 3.5.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "image/start/shell/shell_expansion.h"

namespace gpuinit::image::shell {

namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view kSpecial = "*?[]\\!^-(|)";

// {a,b} or {1..3} at `at`.
bool is_brace_expansion(std::string_view raw, std::size_t at) {
  if (raw.substr(at).starts_with("{}")) return false;
  int open = 0;
  bool separator = false;
  for (; at < raw.size(); ++at) {
    if (raw[at] == '{') ++open;
    if (raw[at] == '}' && --open == 0) return separator;
    if (raw[at] == ',' || raw.substr(at).starts_with("..")) separator = true;
  }
  return false;
}

bool is_extended_pattern(std::string_view raw, std::size_t at) {
  return std::string_view("?*+@!").find(raw[at]) != npos && raw.substr(at + 1).starts_with("(");
}

}  // namespace

void Expansion::literal(char c, bool quoted) {
  open_ = true;
  if (!field_.known) return;
  // A '[' is nothing without its ']'.
  if (!quoted && (c == '*' || c == '?' || (c == ']' && bracket_))) pattern_ = true;
  bracket_ = bracket_ || (!quoted && c == '[');
  if (quoted && kSpecial.find(c) != npos) escaped_ += '\\';
  escaped_ += c;
  field_.text += c;
}

void Expansion::unknown(const Value& value, bool quoted) {
  open_ = true;
  if (!quoted && split_) exact_ = false;
  if (!field_.known) {
    field_.some = field_.some || value.some;
    return;
  }
  field_.text += value.text;
  field_.some = field_.some || value.some;
  field_.known = false;
}

void Expansion::end_field() {
  if (!open_) return;
  if (!shell_.spend(field_.text.size())) return;
  if (field_.text.size() > kMaxWord || fields_.size() > kMaxFields)
    return shell_.unclear("a word or list that is too long");
  open_ = false;
  const bool pattern = std::exchange(pattern_, false);
  bracket_ = false;
  std::string escaped = std::exchange(escaped_, "");
  Value field = std::exchange(field_, Value{});
  if (!split_ || !pattern || !field.known || (shell_.state.options & kNoGlob) != 0) {
    if (!split_ && field.known) pattern_text_ = std::move(escaped);
    fields_.push_back(std::move(field));
    return;
  }
  auto found = shell_.glob(escaped);
  if (!found) {
    exact_ = false;
    fields_.push_back(unknown_value());
  } else if (found->empty()) {
    if ((shell_.state.options & kNullGlob) == 0) fields_.push_back(std::move(field));
  } else {
    for (auto& path : *found) fields_.push_back({std::move(path)});
  }
}

void Expansion::value(const Value& value, bool quoted) {
  if (!value.known) return unknown(value, quoted);
  if (!shell_.spend(value.text.size())) return;
  if (quoted || !split_) {
    if (quoted) open_ = true;
    for (const char c : value.text) {
      // Whether it quotes in a pattern, shells disagree.
      if (c == '\\' && !quoted && !plain_) return unknown(unknown_value(), true);
      literal(c, quoted || plain_);
    }
    return;
  }
  const auto separators = shell_.separators();
  if (!separators) return unknown(value, quoted);
  const auto separates = [&](char c) { return separators->find(c) != npos; };
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n'; };
  const std::string& text = value.text;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (!separates(c)) {
      if (c == '\\' && text.find_first_of("*?[") != npos) unknown(unknown_value(), false);
      literal(c, false);
    } else if (is_space(c)) {
      const bool closes = open_;
      end_field();
      // "a : b" is separated once.
      std::size_t next = at;
      while (next < text.size() && separates(text[next]) && is_space(text[next])) ++next;
      if (closes && next < text.size() && separates(text[next])) at = next;
    } else {
      open_ = true;
      end_field();
    }
  }
}

void Expansion::list(const std::vector<Value>& values, bool quoted, bool joined) {
  if (joined && (quoted || !split_)) {
    const auto separators = shell_.separators();
    Value all;
    for (std::size_t at = 0; at < values.size(); ++at) {
      if (!separators || !values[at].known) return unknown(unknown_value(), true);
      if (at > 0 && !separators->empty()) all.text += (*separators)[0];
      all.text += values[at].text;
    }
    return value(all, quoted);
  }
  if (!split_) {  // "$@" where there is one word only: joined by spaces, if it has any
    if (values.size() > 1) return unknown(unknown_value(), true);
    for (const auto& one : values) value(one, quoted);
    return;
  }
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (at > 0) end_field();
    value(values[at], quoted);
  }
}

void Expansion::unknown_list(bool quoted) {
  if (split_) exact_ = false;
  unknown(unknown_value(), quoted);
}

void Expansion::tilde(std::string_view raw, std::size_t& at) {
  auto end = raw.find_first_of("/:", at);
  if (end == npos) end = raw.size();
  const auto name = raw.substr(at + 1, end - at - 1);
  if (name.find_first_of("'\"$`\\") != npos) return literal(raw[at++], false);
  at = end;
  if (!name.empty()) return unknown(unknown_value(), true);
  const auto home = shell_.state.variables.find("HOME");
  if (home == shell_.state.variables.end() || home->second.kind != Variable::Kind::kText)
    return unknown(unknown_value(), true);
  for (const char c : home->second.text) literal(c, true);
  open_ = true;
}

// $'…' from behind the opening quote on; behind the closing one.
std::size_t Expansion::ansi_quoted(std::string_view raw, std::size_t at) {
  open_ = true;
  for (; at < raw.size() && raw[at] != '\''; ++at) {
    if (raw[at] != '\\' || at + 1 == raw.size()) {
      literal(raw[at], true);
      continue;
    }
    static constexpr std::string_view kLetters = "abefnrtv\\'\"?E";
    static constexpr std::string_view kMeaning = "\a\b\x1b\f\n\r\t\v\\'\"?\x1b";
    const auto which = kLetters.find(raw[++at]);
    if (which != npos) literal(kMeaning[which], true);
    else unknown(unknown_value(), true);
  }
  return at + 1;
}

void Expansion::walk(std::string_view raw, bool quoted, bool from_expansion) {
  Nesting nesting_here(shell_);
  bool in_quotes = false;     // the "…" of this text
  bool quotes_count = false;  // these quotes have made a word: something other than an empty "$@"
  bool value_begins = true;   // a ~ would be expanded
  for (std::size_t at = 0; at < raw.size() && shell_.going();) {
    const char c = raw[at];
    const bool now_quoted = quoted || in_quotes;
    const bool may_be_tilde = std::exchange(value_begins, false) && !now_quoted;
    if (c == '"') {
      ++at;
      if (quoted) continue;  // "${x:-"a"}": they only go away
      in_quotes = !in_quotes;
      if (in_quotes) quotes_count = raw.substr(at).starts_with("\"") || at == raw.size();
      else if (quotes_count) open_ = true;
      continue;
    }
    if (c == '\\') {
      const char next = at + 1 < raw.size() ? raw[at + 1] : '\0';
      at += 2;
      if (next == '\n') continue;
      quotes_count = true;
      if (now_quoted && std::string_view("$`\"\\").find(next) == npos) {
        // In "${x:-\}}" the braces' own.
        if (quoted && next == '}') return unknown(unknown_value(), true);
        literal('\\', true);
      }
      if (at <= raw.size()) literal(next, true);
      else literal('\\', true);
      continue;
    }
    if (c == '\'' && !now_quoted) {
      const auto end = std::min(raw.find('\'', at + 1), raw.size());
      open_ = true;
      for (++at; at < end; ++at) literal(raw[at], true);
      ++at;
      continue;
    }
    if (c == '$' || c == '`') {
      const std::string_view rest = raw.substr(at + 1);
      if (c == '$' && !now_quoted && rest.starts_with("'") && shell_.bash()) {
        at = ansi_quoted(raw, at + 2);
        continue;
      }
      if (c == '$' && (rest.starts_with("'") || rest.starts_with("\"")) && !now_quoted) {
        unknown(unknown_value(), true);
        ++at;
        continue;
      }
      const auto before = fields_.size();
      const bool was_open = open_;
      const bool empty_list = dollar(raw, at, now_quoted);
      if (!empty_list || fields_.size() != before || (open_ && !was_open)) quotes_count = true;
      continue;
    }
    ++at;
    if (!now_quoted) {
      if (c == '~' && may_be_tilde) {
        tilde(raw, --at);
        continue;
      }
      if (assignment_ && c == ':') value_begins = true;
      if (split_ && !from_expansion && shell_.bash() && c == '{' && is_brace_expansion(raw, at - 1))
        unknown_list(false);
      // The parser has seen to it that nothing in it is quoted or expanded.
      if (!from_expansion && shell_.bash() && is_extended_pattern(raw, at - 1)) {
        if ((shell_.state.options & kExtGlob) == 0) return shell_.unclear("an extended pattern");
        const auto end = std::min(raw.find(')', at), raw.size() - 1);
        for (--at; at <= end; ++at) literal(raw[at], false);
        pattern_ = true;
        continue;
      }
      if ((c == '<' || c == '>') && at < raw.size() && raw[at] == '(') {
        const auto end = skip_substitution(raw, at + 1, true, 0);
        at = end == npos ? raw.size() : end;
        unknown({"/dev/fd/", false}, true);
        continue;
      }
    }
    quotes_count = true;
    if (from_expansion && !now_quoted) {
      value({std::string(1, c)}, false);
    } else {
      literal(c, now_quoted);
    }
  }
}

// What stands at `at` after a '$' or '`'. True if it was a list without words.
bool Expansion::dollar(std::string_view raw, std::size_t& at, bool quoted) {
  const std::string_view text = raw.substr(at);
  std::size_t end = skip_expansion(raw, at, shell_.bash());
  if (end == npos || end > raw.size()) {
    shell_.unclear("a syntax that is not understood here");
    return false;
  }
  const auto inside = [&](std::size_t begin, std::size_t tail) {
    return raw.substr(at + begin, end - at - begin - tail);
  };
  if (text.starts_with("$((") && skip_arithmetic(raw, at + 3, shell_.bash(), 0) == end) {
    const auto number = shell_.arithmetic(inside(3, 2));
    at = end;
    value(number ? Value{std::to_string(*number)} : Value{"", false, true}, quoted);
    return false;
  }
  if (text[0] == '`' || text.starts_with("$(")) {
    std::string commands;
    if (text[0] == '`') {
      const auto escaped = inside(1, 1);
      for (std::size_t i = 0; i < escaped.size(); ++i) {
        const auto next = escaped.substr(i + 1, 1);
        if (escaped[i] == '\\' &&
            (next == "\\" || next == "$" || next == "`" || (quoted && next == "\"")))
          ++i;
        if (i < escaped.size()) commands += escaped[i];
      }
    } else {
      commands = inside(2, 1);
    }
    at = end;
    shell_.substitute(commands);
    value(std::exchange(shell_.substituted, Value{}), quoted);
    return false;
  }
  if (text.starts_with("${")) {
    const auto content = inside(2, 1);
    at = end;
    return braces(content, quoted);
  }
  auto name_ends = name_end(text, 1);
  if (name_ends == 1 && text.size() > 1 &&
      std::string_view("@*#?-$!0123456789").find(text[1]) != npos)
    name_ends = 2;
  if (name_ends == 1) {
    literal('$', true);
    ++at;
    return false;
  }
  at += name_ends;
  return parameter(std::string(text.substr(1, name_ends - 1)), quoted);
}

Value Interpreter::expand_one(std::string_view raw) {
  Expansion expansion(*this, false, true, true);
  expansion.walk(raw, false, false);
  Words words = expansion.take();
  return words.words.empty() ? Value{} : std::move(words.words[0]);
}

Value Interpreter::expand_pattern(std::string_view raw) {
  Expansion expansion(*this, false, false, false);
  expansion.walk(raw, false, false);
  Words words = expansion.take();
  if (words.words.empty()) return {};
  return {std::move(expansion.pattern_text()), words.words[0].known};
}

Words Interpreter::expand(const std::vector<std::string>& raw, std::size_t first) {
  Words all;
  for (; first < raw.size() && going(); ++first) {
    const auto value_at = bash() ? assignment_value(raw[first]) : npos;
    if (value_at != npos && raw[first].find('~', value_at) != npos) {
      all.words.push_back({raw[first].substr(0, value_at), false});  // as if it were an assignment
      continue;
    }
    Expansion expansion(*this, true, false, false);
    expansion.walk(raw[first], false, false);
    Words words = expansion.take();
    all.exact = all.exact && words.exact;
    for (auto& word : words.words) all.words.push_back(std::move(word));
  }
  if (all.words.size() > kMaxFields) unclear("a list that is too long");
  return all;
}

bool Words::known() const {
  return exact && std::all_of(words.begin(), words.end(), [](const Value& w) { return w.known; });
}

}  // namespace gpuinit::image::shell
