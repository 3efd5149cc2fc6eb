// Patterns as `case` and ${x#…} have them, without those of bash's extglob.
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

}  // namespace

std::optional<bool> Interpreter::matches(std::string_view pattern, std::string_view text) {
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
