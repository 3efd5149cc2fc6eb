#include "image/start/kept_words.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "rules/command_words.h"

namespace gpuinit::image {

namespace {

constexpr std::string_view kMask = "…";
constexpr std::size_t kMaxBundle = 3;  // "-lc", "-np"; behind more letters stands a value: "-pWORD"

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// "--token=…", "TOKEN=…", "-p…"; all of an option without a value.
std::string name_of(std::string_view word) {
  const auto* const end = std::ranges::find_if_not(word, is_name_character);
  auto length = static_cast<std::size_t>(end - word.begin());
  const bool is_assignment = end != word.end() && *end == '=' && length > 0;
  const bool is_option = word.starts_with('-');
  if (!is_option && !is_assignment) return std::string(kMask);
  if (is_option && !word.starts_with("--") && length > kMaxBundle) length = 2;
  if (length == word.size()) return std::string(word);
  return std::string(word.substr(0, length)).append(is_assignment ? "=" : "").append(kMask);
}

// The programs, scripts and modules that the start names.
std::vector<std::string> names_in(const Start& start) {
  std::vector<std::string> names;
  const auto add = [&names](std::string_view text) {
    for (const std::string_view word : base::split_words(text))
      names.emplace_back(base::basename(word));
  };
  for (const StartStep& step : start.steps) add(step.what);
  if (start.program) {
    add(start.program->path);
    add(start.program->runs);
  }
  if (start.python && start.python->followed) add(start.python->start.interpreter);
  return names;
}

}  // namespace

std::vector<std::string> kept_words(const std::vector<std::string>& command, const Start& start) {
  const std::vector<std::string> names = names_in(start);
  std::vector<std::string> kept;
  for (const std::string& word : command) {
    const bool is_known = kept.empty() || rules::is_launcher(word) ||
                          rules::says_no_compiling(word) ||
                          std::ranges::find(names, base::basename(word)) != names.end();
    kept.push_back(is_known ? word : name_of(word));
  }
  return kept;
}

}  // namespace gpuinit::image
