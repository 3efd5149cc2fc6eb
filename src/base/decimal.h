// Numbers with a fraction as people write them, without printf: its floating point is 30 KB of the
// C library, which is not linked (src/CMakeLists.txt).
#pragma once

#include <cmath>
#include <string>

namespace gpuinit::base {

// Rounded to one digit: "1.5", "64.0". `value`: not negative, below 9e17.
inline std::string one_decimal(double value) {
  const long long tenths = std::llround(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace gpuinit::base
