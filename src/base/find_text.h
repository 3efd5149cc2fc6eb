// Where a short text comes next in a long one.
#pragma once

#include <cstddef>
#include <string_view>

namespace gpuinit::base {

// As text.find(needle, from), for megabytes: string_view::find stops at every first letter, and
// memmem is slow on short needles. Looks for the last two letters of `needle` together, 16 places
// at a time: fast where those are rarer than the first ("sm_", ".so,").
std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from = 0);

}  // namespace gpuinit::base
