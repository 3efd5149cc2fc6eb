// Lists of words as those who follow a command need them: names in a text, the rest of an argv.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::image {

// `names` are separated by blanks. False for a word that is empty or has a blank in it.
bool has_word(std::string_view names, std::string_view word);

// From index `at` on; empty if there are fewer.
std::vector<std::string> words_from(const std::vector<std::string>& words, std::size_t at);

// What may be told of a word that is not known: "--token=…", "TOKEN=…", "-p…", "…". The name of an
// option, or of a variable that is set, is no secret; a value is.
std::string masked(std::string_view word);

}  // namespace gpuinit::image
