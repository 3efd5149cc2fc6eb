// Numbers with a fraction as people write them, without the floating point of printf, strtod and
// std::from_chars: 110 KB of the libraries, which are not linked (src/CMakeLists.txt).
#pragma once

#include <charconv>
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

// As std::from_chars with chars_format::general, but for "inf" and "nan". Rounded once where there
// are at most 19 digits and the last one's power of ten is within ±27; else a few last bits may be
// others.
std::from_chars_result parse_decimal(const char* first, const char* last, double& value);

}  // namespace gpuinit::base
