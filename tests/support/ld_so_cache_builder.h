// The bytes of an /etc/ld.so.cache, as ldconfig of glibc 2.32 and later writes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/fatbin_builder.h"

namespace gpuinit::test {

struct CacheLine {
  std::string soname;
  std::string path;
  std::int32_t flags = 0x0303;  // x86-64; aarch64 0x0a03; i386 0x0003
  std::uint64_t hwcap = 0;      // bit 62: a glibc-hwcaps subdirectory
};

inline std::string ld_so_cache(const std::vector<CacheLine>& lines) {
  std::string strings;
  const std::size_t strings_at = 48 + 24 * lines.size();
  std::string bytes = "glibc-ld.so.cache1.1";
  std::string table;
  for (const CacheLine& line : lines) {
    append_le(table, line.flags);
    append_le(table, static_cast<std::uint32_t>(strings_at + strings.size()));
    strings.append(line.soname).append(1, '\0');
    append_le(table, static_cast<std::uint32_t>(strings_at + strings.size()));
    strings.append(line.path).append(1, '\0');
    append_le(table, std::uint32_t{0});
    append_le(table, line.hwcap);
  }
  append_le(bytes, static_cast<std::uint32_t>(lines.size()));
  append_le(bytes, static_cast<std::uint32_t>(strings.size()));
  bytes.append(1, '\2').append(3, '\0');  // little endian
  bytes.append(16, '\0');
  return bytes + table + strings;
}

// As ldconfig -c compat writes it: an old table in front of the new one.
inline std::string ld_so_cache_compat(const std::vector<CacheLine>& lines) {
  std::string bytes = "ld.so-1.7.0";
  bytes.append(1, '\0');
  append_le(bytes, static_cast<std::uint32_t>(lines.size()));
  bytes.append(12 * lines.size(), '\0');
  bytes.resize((bytes.size() + 7) / 8 * 8);
  return bytes + ld_so_cache(lines);
}

}  // namespace gpuinit::test
