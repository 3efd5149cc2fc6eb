// Numbers with a fraction as people write them, without printf: its floating point is 30 KB of the
// C library, which is not linked (src/CMakeLists.txt).
#pragma once

#include <cstdint>
#include <string>

namespace gpuinit::base {

// Rounded to one digit: "1.5", "64.0". `value`: not negative, below 1e18.
inline std::string one_decimal(double value) {
  const auto tenths = static_cast<std::uint64_t>(value * 10 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace gpuinit::base
