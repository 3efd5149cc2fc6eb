#include "elf/string_scan.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "base/find_text.h"

namespace gpuinit::elf {

namespace {

constexpr std::uint64_t kPiece = 64ULL * 1024;

using Needles = std::vector<std::string_view>;
struct Hit {
  std::string_view text;  // empty: not whole inside the window, or too long
  std::size_t end;        // where to look on
};

// The string around the needle at `at`. `first`: the window begins with the section.
Hit string_around(std::string_view window, std::size_t at, bool first) {
  const std::size_t low = at > kMaxScannedString ? at - kMaxScannedString : 0;
  const auto before = window.substr(low, at - low).rfind('\0');
  const auto length = window.substr(at, kMaxScannedString).find('\0');
  if (length == std::string_view::npos) return {{}, at + kMaxScannedString};
  const std::size_t end = at + std::max<std::size_t>(length, 1);
  // Cut off by the window, not by the limit: the window before had it whole.
  if (before == std::string_view::npos && low == 0 && !first) return {{}, end};
  const std::size_t from = before == std::string_view::npos ? low : low + before + 1;
  return {window.substr(from, at + length - from), end};
}

}  // namespace

Result<std::set<std::string>> scan_strings(const ElfFile& elf, const Needles& needles,
                                           bool (*wanted)(std::string_view)) {
  auto section = elf.section(".rodata");
  if (!section) return std::move(section).error();
  const std::string& name = elf.source().name();
  if (!*section) return Error{name + ": no section .rodata"};
  const std::uint64_t size = (*section)->size;
  if (size > kMaxScannedSection) return limit_error(name, ".rodata is too large to search");

  std::set<std::string> found;
  // The piece, with the end of the one before: a hit may have a string's length
  // on either side. Not a std::string, which would clear what is overwritten.
  constexpr std::size_t kKept = 2 * kMaxScannedString;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kKept + kPiece);
  std::size_t filled = 0;
  for (std::uint64_t done = 0; done < size;) {
    const std::size_t length = std::min<std::uint64_t>(kPiece, size - done);
    const std::size_t kept = std::min(filled, kKept);
    std::memmove(buffer.get(), buffer.get() + filled - kept, kept);
    filled = kept + length;
    auto read = elf.source().read_at(
        (*section)->offset + done, std::as_writable_bytes(std::span(buffer.get() + kept, length)));
    if (!read) return std::move(read).error();
    const std::string_view window(buffer.get(), filled);
    const bool first = done == kept;
    done += length;
    for (const std::string_view needle : needles) {
      for (std::size_t at = 0; (at = base::find_text(window, needle, at)) != std::string::npos;) {
        const Hit hit = string_around(window, at, first);
        at = hit.end;
        if (hit.text.empty() || !wanted(hit.text)) continue;
        found.emplace(hit.text);
        if (found.size() > kMaxScannedHits) return limit_error(name, "too many strings match");
      }
    }
  }
  return found;
}

}  // namespace gpuinit::elf
