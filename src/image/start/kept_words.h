// The command as a fact: the words that say how it starts, and nothing that may be a secret.
#pragma once

#include <string>
#include <vector>

#include "image/start/start.h"

namespace gpuinit::image {

// Kept are the first word, what the start was followed through, the names of options and of
// variables that are set, and what checks look for (rules/command_words.h). Of all else there is
// "…": of values, positional words, the text behind `-c`.
std::vector<std::string> kept_words(const std::vector<std::string>& command, const Start& start);

}  // namespace gpuinit::image
