// Small text helpers that the standard library lacks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::base {

// "a::b" at ':' → {"a", "", "b"}; "" → {""}. The views point into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

// Runs of blanks (space, tab, CR, LF, VT, FF) as one separator, and dropped at the ends.
std::vector<std::string_view> split_words(std::string_view text);

// Lines without their '\n' or "\r\n".
std::vector<std::string_view> split_lines(std::string_view text);

std::string_view trim(std::string_view text);
std::string lower(std::string_view text);  // of ASCII
std::string join_with(const std::vector<std::string>& parts, std::string_view separator);

// Digits of the base only, the whole text, no sign; nullopt on overflow.
std::optional<std::uint64_t> parse_number(std::string_view text, int base = 10);

// Safe to print on one line of a terminal: control characters (line ends too), what nobody sees
// (is_unseen) and invalid UTF-8 become \xNN, more than `limit` bytes are cut with "…". What is
// printable already stays as it is.
std::string printable(std::string_view text, std::size_t limit = 300);

// The same between backquotes, as a name stands in a sentence.
inline std::string in_backquotes(std::string_view text, std::size_t limit = 120) {
  return "`" + printable(text, limit) + "`";
}

// Of ASCII, whatever the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The first character of a text of UTF-8 that is not empty; its length is 0 bytes if it is not
// well-formed.
struct Character {
  char32_t code = 0;
  std::size_t length = 0;
};
Character first_character(std::string_view text);

// A control character, a line end of Unicode, or what has no width or changes the direction of its
// neighbours, so that a name looks like another one.
bool is_unseen(char32_t code);

// The candidate nearest to `word` by edit distance if it is near enough to be
// a typing error (at most a third of the word's length), else "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace gpuinit::base
