// Numbers with a fraction as people write them, without printf: its floating point is 30 KB of the
// C library, which is not linked (src/CMakeLists.txt).
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace gpuinit::base {

// Rounded to one digit: "1.5", "64.0". `value`: not negative, below 9e17.
inline std::string one_decimal(double value) {
  const long long tenths = std::llround(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

// "12.034": of that many thousandths.
inline std::string thousandths(std::uint64_t count) {
  const std::string digits = std::to_string(count % 1000 + 1000);
  return std::to_string(count / 1000) + "." + digits.substr(1);
}

}  // namespace gpuinit::base
