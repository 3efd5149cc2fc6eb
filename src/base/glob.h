// Patterns as the policy writes them, on paths and on names of packages.
#pragma once

#include <string_view>

namespace gpuinit::base {

// `*` is any text, '/' included, `?` one character.
bool matches_glob(std::string_view pattern, std::string_view text);

// A pattern without '/' that means the package of that name, however the name is spelled:
// "flash-attn", "Flash_Attn", "flash*" for flash-attn.
bool names_package(std::string_view pattern, std::string_view name);

}  // namespace gpuinit::base
