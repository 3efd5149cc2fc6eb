// Where the parts of a shell's words end: quotes, expansions, names.
#include "image/start/shell/shell_syntax.h"

namespace gpuinit::image::shell {

namespace {

constexpr auto npos = std::string_view::npos;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// `at` is behind the "${". A ' between double quotes stands for itself after some operators and
// quotes after others: not understood.
std::size_t skip_braces(std::string_view text, std::size_t at, bool bash, int depth,
                        bool in_quotes) {
  while (at < text.size()) {
    switch (text[at]) {
      case '}':
        return at + 1;
      case '\\':
        at += 2;
        break;
      case '\'':
        if (in_quotes) return npos;
        [[fallthrough]];
      case '"':
        at = skip_quoted(text, at, bash, depth);
        break;
      case '$':
      case '`':
        at = skip_expansion(text, at, bash, depth, in_quotes);
        break;
      default:
        ++at;
    }
    if (at == npos) return npos;
  }
  return npos;
}

}  // namespace

std::size_t skip_arithmetic(std::string_view text, std::size_t at, bool bash, int depth) {
  int open = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == ')' && open == 0) return text.substr(at).starts_with("))") ? at + 2 : npos;
    if (c == '\'' || c == ';') return npos;  // nothing that arithmetic has
    if (c == '(') ++open;
    if (c == ')') --open;
    if (c == '$' || c == '`') {
      at = skip_expansion(text, at, bash, depth);
    } else {
      at += c == '\\' ? 2 : 1;
    }
    if (at == npos) return npos;
  }
  return npos;
}

std::size_t skip_quoted(std::string_view text, std::size_t at, bool bash, int depth) {
  if (text[at] == '\'') {
    const auto end = text.find('\'', at + 1);
    return end == npos ? npos : end + 1;
  }
  for (++at; at < text.size();) {
    const char c = text[at];
    if (c == '"') return at + 1;
    if (c == '$' || c == '`') {
      at = skip_expansion(text, at, bash, depth, true);
      if (at == npos) return npos;
    } else {
      at += c == '\\' ? 2 : 1;
    }
  }
  return npos;
}

std::size_t skip_expansion(std::string_view text, std::size_t at, bool bash, int depth,
                           bool in_quotes) {
  if (++depth > kMaxNesting) return npos;
  if (text[at] == '`') {
    for (++at; at < text.size(); ++at) {
      if (text[at] == '`') return at + 1;
      if (text[at] == '\\') ++at;
    }
    return npos;
  }
  const std::string_view rest = text.substr(at + 1);
  // `$((a) | b)`: some shells think again, others do not.
  if (rest.starts_with("((")) return skip_arithmetic(text, at + 3, bash, depth);
  if (rest.starts_with("(")) return skip_substitution(text, at + 2, bash, depth);
  if (rest.starts_with("{")) return skip_braces(text, at + 2, bash, depth, in_quotes);
  return at + 1;
}

std::size_t name_end(std::string_view text, std::size_t at) {
  if (at >= text.size() || !is_name_start(text[at])) return at;
  while (at < text.size() && (is_name_start(text[at]) || (text[at] >= '0' && text[at] <= '9')))
    ++at;
  return at;
}

bool is_name(std::string_view text) { return !text.empty() && name_end(text) == text.size(); }

std::size_t assignment_value(std::string_view word) {
  auto at = name_end(word);
  if (at == 0) return npos;
  if (at < word.size() && word[at] == '[') {
    const auto close = word.find(']', at);
    if (close == npos || word.substr(at, close - at).find_first_of("'\"$` ") != npos) return npos;
    at = close + 1;
  }
  if (word.substr(at).starts_with("+=")) return at + 2;
  return word.substr(at).starts_with("=") ? at + 1 : npos;
}

}  // namespace gpuinit::image::shell
