// The two hash functions of dynamic symbol tables.
// Source: gABI, "Hash Table"; for DT_GNU_HASH, glibc's elf/dl-lookup.c.
#pragma once

#include <cstdint>
#include <string_view>

namespace gpuinit::elf {

inline std::uint32_t gnu_hash_of(std::string_view name) {
  std::uint32_t hash = 5381;
  for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

inline std::uint32_t sysv_hash_of(std::string_view name) {
  std::uint32_t hash = 0;
  for (const char c : name) {
    hash = (hash << 4) + static_cast<unsigned char>(c);
    const std::uint32_t high = hash & 0xf0000000U;
    hash = (hash ^ (high >> 24)) & ~high;
  }
  return hash;
}

}  // namespace gpuinit::elf
