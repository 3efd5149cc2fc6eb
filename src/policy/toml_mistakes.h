// What is wrong where TOML ends: a sentence of ours for the mistakes that people make in a policy.
#pragma once

#include <string>
#include <string_view>

namespace gpuinit::policy {

struct TomlMistake {
  std::size_t at = 0;   // index in the text
  std::string message;  // one sentence, printable
  // Without this part, or with `instead` in its place, what follows may be read.
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string instead;
};

// `at`: index of the first character that is not TOML; the end of the text if something is
// missing there.
TomlMistake find_mistake(std::string_view text, std::size_t at);

}  // namespace gpuinit::policy
