// What a driver's release number looks like: "535.104.05", "580.65.06", "570.26".
#pragma once

#include <string_view>

#include "base/text.h"

namespace gpuinit::elf {

// Two to four numbers with dots between them.
inline bool is_release(std::string_view text) {
  const auto numbers = base::split(text, '.');
  for (auto number : numbers)
    if (number.size() > 6 || !base::parse_number(number)) return false;
  return numbers.size() >= 2 && numbers.size() <= 4;
}

}  // namespace gpuinit::elf
