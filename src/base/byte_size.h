// Amounts of memory as people write them.
#pragma once

#include <cstdint>
#include <string>

#include "base/decimal.h"

namespace gpuinit::base {

inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// Rounded down: "512 MiB", "0 MiB".
inline std::string whole_mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

// The same; below one mebibyte "640 KiB".
inline std::string mebibytes(std::uint64_t bytes) {
  return bytes < kMiB ? std::to_string(bytes >> 10) + " KiB" : whole_mebibytes(bytes);
}

// With the unit that fits and one digit: "1.5 GiB", "64.0 MiB", "4096 bytes".
inline std::string byte_size(std::uint64_t bytes) {
  if (bytes < kMiB) return std::to_string(bytes) + " bytes";
  const bool large = bytes >= 1024 * kMiB;
  const auto unit = static_cast<double>(large ? 1024 * kMiB : kMiB);
  return one_decimal(static_cast<double>(bytes) / unit) + (large ? " GiB" : " MiB");
}

}  // namespace gpuinit::base
