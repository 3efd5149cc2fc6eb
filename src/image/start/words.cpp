#include "image/start/words.h"

#include <algorithm>

namespace gpuinit::image {

namespace {

constexpr std::string_view kMask = "…";
constexpr std::size_t kMaxBundle = 3;  // "-lc", "-np"; behind more letters stands a value: "-pWORD"

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

bool has_word(std::string_view names, std::string_view word) {
  if (word.empty() || word.find(' ') != std::string_view::npos) return false;
  for (std::size_t at = names.find(word); at != std::string_view::npos;
       at = names.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || names[at - 1] == ' ') && (end == names.size() || names[end] == ' '))
      return true;
  }
  return false;
}

std::vector<std::string> words_from(const std::vector<std::string>& words, std::size_t at) {
  return {words.begin() + static_cast<std::ptrdiff_t>(std::min(at, words.size())), words.end()};
}

std::string masked(std::string_view word) {
  const auto* const end = std::ranges::find_if_not(word, is_name_character);
  auto length = static_cast<std::size_t>(end - word.begin());
  const bool is_assignment = end != word.end() && *end == '=' && length > 0;
  const bool is_option = word.starts_with('-');
  if (!is_option && !is_assignment) return std::string(kMask);
  if (is_option && !word.starts_with("--") && length > kMaxBundle) length = 2;
  if (length == word.size()) return std::string(word);
  return std::string(word.substr(0, length)).append(is_assignment ? "=" : "").append(kMask);
}

}  // namespace gpuinit::image
