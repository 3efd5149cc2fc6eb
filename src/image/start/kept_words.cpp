#include "image/start/kept_words.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "image/start/words.h"
#include "rules/command_words.h"

namespace gpuinit::image {

namespace {

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
    kept.push_back(is_known ? word : masked(word));
  }
  return kept;
}

}  // namespace gpuinit::image
