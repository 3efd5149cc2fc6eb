// Patterns as `case` and ${x#…} have them; of those of bash's extglob @(a|b) and ?(a|b).
#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

namespace {

constexpr auto npos = std::string_view::npos;

struct Class {
  std::string_view name;
  bool (*has)(char);
};

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

constexpr Class kClasses[] = {
    {"alpha", [](char c) { return lower(c) || upper(c); }},
    {"digit", digit},
    {"alnum", [](char c) { return lower(c) || upper(c) || digit(c); }},
    {"lower", lower},
    {"upper", upper},
    {"space", [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }},
};

// The […] at `at` against `c`; `at` moves behind it. 1 and 0: yes and no; -1: it is not a
// bracket expression; -2: not to be told.
int bracket(std::string_view pattern, std::size_t& at, char c) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool hit = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) {
      at = i + 1;
      return hit != negated ? 1 : 0;
    }
    if (pattern[i] == '[' && i + 1 < pattern.size()) {
      if (pattern[i + 1] == '.' || pattern[i + 1] == '=') return -2;
      if (pattern[i + 1] == ':') {
        const auto close = pattern.find(":]", i + 2);
        if (close == npos) return -2;
        bool known = false;
        for (const auto& each : kClasses)
          if (each.name == pattern.substr(i + 2, close - i - 2)) {
            known = true;
            hit = hit || each.has(c);
          }
        if (!known) return -2;
        i = close + 2;
        continue;
      }
    }
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const char from = pattern[i++];
    char to = from;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      i += pattern[i + 1] == '\\' && i + 2 < pattern.size() ? 2 : 1;
      to = pattern[i++];
      // A range of letters is what the locale says.
      if ((lower(c) || upper(c)) && !(digit(from) && digit(to)) && !(c >= from && c <= to)) {
        const char other = static_cast<char>(c ^ 0x20);
        if (other >= from && other <= to) return -2;
      }
    }
    if ((from & 0x80) != 0 || (to & 0x80) != 0) return -2;
    hit = hit || (c >= from && c <= to);
  }
  return -1;
}

// The '(' of an extended pattern; npos if there is none.
std::size_t extended(std::string_view pattern) {
  for (std::size_t at = 0; at + 1 < pattern.size(); ++at) {
    if (pattern[at] == '\\') ++at;
    else if (pattern[at + 1] == '(' && std::string_view("?*+@!").find(pattern[at]) != npos)
      return at + 1;
  }
  return npos;
}

}  // namespace

// One of the alternatives in place of the group that begins at `open`.
std::optional<bool> Interpreter::matches_one_of(std::string_view pattern, std::size_t open,
                                                std::string_view text) {
  const char kind = pattern[open - 1];
  const auto close = pattern.find_first_of("()", open + 1);
  if ((state.options & kExtGlob) == 0 || (kind != '@' && kind != '?') || close == npos ||
      pattern[close] != ')')
    return std::nullopt;
  const std::string_view group = pattern.substr(open + 1, close - open - 1);
  if (group.find('/') != npos || !spend(pattern.size() + text.size())) return std::nullopt;
  auto alternatives = base::split(group, '|');
  if (kind == '?') alternatives.emplace_back();
  Nesting nesting_here(*this);
  for (const std::string_view alternative : alternatives) {
    const std::string one = std::string(pattern.substr(0, open - 1)).append(alternative) +
                            std::string(pattern.substr(close + 1));
    const auto hit = matches(one, text);
    if (!hit || *hit) return hit;
  }
  return false;
}

std::optional<bool> Interpreter::matches(std::string_view pattern, std::string_view text) {
  if (const auto open = extended(pattern); open != npos) return matches_one_of(pattern, open, text);
  if (pattern.size() * text.size() > (1U << 20U)) return std::nullopt;
  work += pattern.size() * text.size() / 8;
  if (work > kMaxWork) return std::nullopt;
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = npos;  // behind the last '*', and the text that it has not taken
  std::size_t star_text = 0;
  while (t < text.size() || p < pattern.size()) {
    bool hit = false;
    std::size_t next = p + 1;
    if (p < pattern.size()) {
      const char c = pattern[p];
      if (c == '*') {
        star = ++p;
        star_text = t;
        continue;
      }
      if (t < text.size()) {
        // How many bytes are a character is the locale's to say.
        if ((c == '?' || c == '[') && (text[t] & 0x80) != 0) return std::nullopt;
        if (c == '?') {
          hit = true;
        } else if (c == '[') {
          next = p;
          const int found = bracket(pattern, next, text[t]);
          if (found == -2) return std::nullopt;
          hit = found == -1 ? text[t] == '[' : found == 1;
          if (found == -1) next = p + 1;
        } else if (c == '\\' && p + 1 < pattern.size()) {
          hit = pattern[p + 1] == text[t];
          next = p + 2;
        } else {
          hit = c == text[t];
        }
      }
    }
    if (hit) {
      p = next;
      ++t;
    } else if (star != npos && star_text < text.size()) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace gpuinit::image::shell
