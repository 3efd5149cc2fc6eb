// Patterns as the policy writes them.
#pragma once

#include <string_view>

namespace gpuinit::base {

// `*` is any text, '/' included, `?` one character.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace gpuinit::base
