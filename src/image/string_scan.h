// Finds C strings in the read-only data of a library: the last resort where
// neither a symbol nor a file says something that the code knows.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "binary/elf_file.h"
#include "gpuinit/result.h"

namespace gpuinit::image {

// Every whole NUL-terminated string of section .rodata that holds one of
// `needles` (text without NUL) and for which `wanted` says yes. A string begins after a NUL (or at
// the start of the section) and has at most kMaxScannedString bytes. Reads the
// section in pieces of 256 KiB. Errors: no such section, larger than
// kMaxScannedSection, more than kMaxScannedHits strings.
Result<std::set<std::string>> scan_strings(const binary::ElfFile& elf,
                                           const std::vector<std::string_view>& needles,
                                           bool (*wanted)(std::string_view));

inline constexpr std::size_t kMaxScannedString = 1024;
inline constexpr std::uint64_t kMaxScannedSection = 64ULL * 1024 * 1024;
inline constexpr std::size_t kMaxScannedHits = 20'000;

}  // namespace gpuinit::image
