#include "elf/string_scan.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

namespace gpuinit::elf {

namespace {

constexpr std::uint64_t kPiece = 64ULL * 1024;

using Needles = std::vector<std::string_view>;
using Block = unsigned char __attribute__((vector_size(16)));

Block filled_with(char letter) { return Block{} + static_cast<unsigned char>(letter); }

// Where two letters in a row come next, from `from` on; npos: nowhere. 16 letters at a time:
// string_view::find stops at every first letter, and memmem is slow on short needles.
std::size_t find_pair(std::string_view text, char first, char second, std::size_t from) {
  const Block firsts = filled_with(first);
  const Block seconds = filled_with(second);
  for (; from + sizeof(Block) < text.size(); from += sizeof(Block)) {
    Block here;
    Block next;
    std::memcpy(&here, text.data() + from, sizeof here);
    std::memcpy(&next, text.data() + from + 1, sizeof next);
    const auto hits = (here == firsts) & (next == seconds);
    std::uint64_t halves[2];
    std::memcpy(halves, &hits, sizeof halves);
    if ((halves[0] | halves[1]) != 0) break;
  }
  for (; from + 1 < text.size(); ++from)
    if (text[from] == first && text[from + 1] == second) return from;
  return std::string_view::npos;
}

// Where `needle` begins, from `from` on.
std::size_t find(std::string_view text, std::string_view needle, std::size_t from) {
  if (needle.size() < 2) return text.find(needle, from);
  if (needle.size() >= 16) {
    if (from >= text.size()) return std::string_view::npos;
    const void* hit =
        ::memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
    return hit == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
  }
  // By its last letters, which are the rarer ones in "sm_" and "cpython-3".
  const std::size_t before = needle.size() - 2;
  for (std::size_t at = from + before;; ++at) {
    at = find_pair(text, needle[before], needle[before + 1], at);
    if (at == std::string_view::npos) return at;
    if (text.compare(at - before, before, needle, 0, before) == 0) return at - before;
  }
}

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
  if (size > kMaxScannedSection) return Error{name + ": .rodata is too large to search"};

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
      for (std::size_t at = 0; (at = find(window, needle, at)) != std::string::npos;) {
        const Hit hit = string_around(window, at, first);
        at = hit.end;
        if (hit.text.empty() || !wanted(hit.text)) continue;
        found.emplace(hit.text);
        if (found.size() > kMaxScannedHits) return Error{name + ": too many strings match"};
      }
    }
  }
  return found;
}

}  // namespace gpuinit::elf
