#include "ldso/ld_so_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/ld_so_cache_builder.h"

namespace gpuinit::ldso {
namespace {

using test::CacheLine;
using test::ld_so_cache;
using ::testing::HasSubstr;

Result<std::vector<CacheEntry>> read(const std::string& bytes) {
  const base::MemorySource source(std::as_bytes(std::span(bytes)), "/etc/ld.so.cache");
  return read_ld_so_cache(source);
}

const std::vector<CacheLine> kLines = {
    {"libz.so.1", "/lib/glibc-hwcaps/x86-64-v3/libz.so.1", 0x0303, std::uint64_t{1} << 62},
    {"libz.so.1", "/lib/libz.so.1", 0x0303, 0},
    {"libz.so.1", "/lib/i386-linux-gnu/libz.so.1", 0x0003, 0},
    {"libcuda.so.1", "/usr/lib/aarch64-linux-gnu/libcuda.so.1", 0x0a03, 0}};

TEST(LdSoCache, ReadsEveryEntryInFileOrder) {
  for (const std::string& bytes : {ld_so_cache(kLines), test::ld_so_cache_compat(kLines)}) {
    auto entries = read(bytes);
    ASSERT_TRUE(entries.ok()) << entries.error().message;
    ASSERT_EQ(entries->size(), kLines.size());
    for (std::size_t i = 0; i < kLines.size(); ++i) {
      EXPECT_EQ((*entries)[i].soname, kLines[i].soname);
      EXPECT_EQ((*entries)[i].path, kLines[i].path);
      EXPECT_EQ((*entries)[i].native, kLines[i].flags != 0x0003) << i;
      EXPECT_EQ((*entries)[i].hwcaps, kLines[i].hwcap != 0) << i;
    }
  }
}

TEST(LdSoCache, AnEmptyCacheHasNoEntries) { EXPECT_TRUE(read(ld_so_cache({}))->empty()); }

TEST(LdSoCache, RefusesOtherFormats) {
  EXPECT_THAT(read("").error().message, HasSubstr("/etc/ld.so.cache: not a glibc"));
  EXPECT_THAT(read("libc.so.6 => /lib/libc.so.6\n").error().message, HasSubstr("not a glibc"));
  std::string big_endian = ld_so_cache(kLines);
  big_endian[28] = 3;
  EXPECT_THAT(read(big_endian).error().message, HasSubstr("big-endian"));
}

TEST(LdSoCache, SurvivesTruncationAtEveryByte) {
  for (const std::string& whole : {ld_so_cache(kLines), test::ld_so_cache_compat(kLines)})
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(read(whole.substr(0, size)).ok()) << size;
}

TEST(LdSoCache, RefusesTextOutsideTheFile) {
  std::string bytes = ld_so_cache({{"a", "/a"}});
  bytes[48 + 8] = '\x7f';  // the path's offset
  EXPECT_EQ(read(bytes).error().message,
            "/etc/ld.so.cache: entry 0 has no text that could be a name and a path");
}

// 100,000 entries that all name the same 4,000 bytes would take 800 MB.
TEST(LdSoCache, RefusesEntriesThatShareTooMuchText) {
  std::string bytes = ld_so_cache(std::vector<CacheLine>(20'000, {"", ""}));
  const std::size_t text_at = bytes.size();
  bytes += std::string(4000, 'x') + '\0';
  for (std::size_t i = 0; i < 20'000; ++i)
    for (std::size_t byte = 0; byte < 8; ++byte)
      bytes[48 + 24 * i + 4 + byte] = static_cast<char>(text_at >> (8 * (byte % 4)) & 0xff);
  EXPECT_THAT(read(bytes).error().message, HasSubstr("has no text"));
}

}  // namespace
}  // namespace gpuinit::ldso
