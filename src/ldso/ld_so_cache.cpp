// Both formats in one pass over the whole file: it is 80 KB on a common system.
#include "ldso/ld_so_cache.h"

#include <cstring>

#include "base/checked.h"

namespace gpuinit::ldso {

namespace {

// A large system has 5,000 entries in 400 KB.
constexpr std::uint64_t kMaxFile = 16ULL * 1024 * 1024;
constexpr std::uint64_t kMaxEntries = 100'000;
constexpr std::uint64_t kMaxText = kMaxFile;
constexpr std::size_t kMaxPath = 4096;  // bytes, PATH_MAX

constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";

// The old format: magic, padding to 12 bytes, count, then entries of 12 bytes.
constexpr std::uint64_t kOldHeader = 16;
constexpr std::uint64_t kOldEntry = 12;

struct Header {
  char magic[20];
  std::uint32_t entries;
  std::uint32_t strings_size;
  std::uint8_t flags;  // 2: little endian, 0: not said
  std::uint8_t padding[3];
  std::uint32_t extension_offset;
  std::uint32_t unused[3];
};
static_assert(sizeof(Header) == 48);

struct Entry {
  std::int32_t flags;
  std::uint32_t soname;  // offsets from the header's first byte
  std::uint32_t path;
  std::uint32_t os_version;
  std::uint64_t hwcap;
};
static_assert(sizeof(Entry) == 24);

constexpr std::uint8_t kEndianMask = 3;
constexpr std::uint8_t kBigEndian = 3;
constexpr std::int32_t kX86_64 = 0x0303;   // FLAG_X8664_LIB64 | FLAG_ELF_LIBC6
constexpr std::int32_t kAarch64 = 0x0a03;  // FLAG_AARCH64_LIB64 | FLAG_ELF_LIBC6

}  // namespace

Result<std::vector<CacheEntry>> read_ld_so_cache(const base::ByteSource& source) {
  const auto broken = [&](const std::string& what) { return Error{source.name() + ": " + what}; };
  if (source.size() > kMaxFile)
    return limit_error(source.name(), std::to_string(source.size()) + " bytes");
  auto whole = source.read_text(0, source.size());
  if (!whole) return std::move(whole).error();
  std::string_view bytes = *whole;

  if (bytes.starts_with(kOldMagic)) {
    std::uint32_t count = 0;
    if (bytes.size() < kOldHeader) return broken("truncated");
    std::memcpy(&count, bytes.data() + 12, sizeof count);
    const std::uint64_t skip = (kOldHeader + kOldEntry * count + 7) & ~std::uint64_t{7};
    if (skip > bytes.size()) return broken("truncated");
    bytes.remove_prefix(skip);
  }
  if (!bytes.starts_with(kMagic)) return broken("not a glibc-ld.so.cache1.1");
  Header header;
  if (bytes.size() < sizeof header) return broken("truncated");
  std::memcpy(&header, bytes.data(), sizeof header);
  if ((header.flags & kEndianMask) == kBigEndian) return broken("made for a big-endian machine");
  if (!base::range_inside(sizeof header, header.entries * sizeof(Entry), bytes.size()))
    return broken("truncated");
  if (header.entries > kMaxEntries)
    return limit_error(source.name(), std::to_string(header.entries) + " entries");

  std::uint64_t total = 0;  // bytes of text; entries of a hostile file may share it
  const auto text = [&](std::uint32_t offset, std::string& into) {
    if (offset >= bytes.size()) return false;
    const std::string_view rest = bytes.substr(offset, kMaxPath);
    const auto end = rest.find('\0');
    if (end == std::string_view::npos) return false;
    into = rest.substr(0, end);
    total += end;
    return total <= kMaxText;
  };
  std::vector<CacheEntry> entries(header.entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry raw;
    std::memcpy(&raw, bytes.data() + sizeof header + i * sizeof raw, sizeof raw);
    if (!text(raw.soname, entries[i].soname) || !text(raw.path, entries[i].path))
      return broken("entry " + std::to_string(i) + " has no text that could be a name and a path");
    entries[i].native = raw.flags == kX86_64 || raw.flags == kAarch64;
    entries[i].hwcaps = raw.hwcap != 0;
  }
  return entries;
}

}  // namespace gpuinit::ldso
