// Finds C strings in the read-only data of a library: the last resort where
// neither a symbol nor a file says something that the code knows.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "elf/elf_file.h"
#include "gpuinit/result.h"

namespace gpuinit::elf {

// The NUL-terminated strings of section .rodata that hold one of `needles` (text
// without NUL) and which are `wanted`, each from the NUL before it or at
// most kMaxScannedString bytes before the needle. So the *end* of a result is the
// end of a C string, but its beginning may be other data: constants without NUL
// (16-byte vectors) lie directly before strings, and linkers keep one copy of a
// string and of another that it ends with. Reads the section in pieces of 64 KiB.
// Errors: no such section, larger than kMaxScannedSection, too many strings.
Result<std::set<std::string>> scan_strings(const ElfFile& elf,
                                           const std::vector<std::string_view>& needles,
                                           bool (*wanted)(std::string_view));

inline constexpr std::size_t kMaxScannedString = 1024;
inline constexpr std::uint64_t kMaxScannedSection = 64ULL * 1024 * 1024;
inline constexpr std::size_t kMaxScannedHits = 20'000;

}  // namespace gpuinit::elf
