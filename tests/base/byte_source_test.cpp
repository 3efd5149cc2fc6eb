#include "base/byte_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <limits>

#include "base/checked.h"
#include "support/tree.h"

namespace gpuinit::base {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(ByteSource, ReadsWholeRangesOrFails) {
  const std::string_view text = "0123456789";
  const MemorySource source(bytes(text), "memory");
  std::array<std::byte, 4> four{};
  EXPECT_TRUE(source.read_at(6, four).ok());
  EXPECT_EQ(four[0], std::byte{'6'});
  auto outside = source.read_at(7, four);
  ASSERT_FALSE(outside.ok());
  EXPECT_EQ(outside.error().message,
            "memory is cut short: it has 10 bytes, and 4 are needed at offset 7");
  EXPECT_FALSE(source.read_at(std::numeric_limits<std::uint64_t>::max(), four).ok());
}

TEST(ByteSource, StringsHaveAnEnd) {
  const std::string_view text("abc\0def", 7);
  const MemorySource source(bytes(text), "memory");
  EXPECT_EQ(*source.read_c_string(0), "abc");
  EXPECT_FALSE(source.read_c_string(4).ok());
  EXPECT_FALSE(source.read_c_string(0, 2).ok());
  EXPECT_FALSE(source.read_text(0, 8).ok());
}

TEST(FileSource, NoticesThatAFileShrank) {
  test::Tree tree;
  tree.file("f", std::string(8192, 'x'));
  const std::string path = tree.at("f");
  auto source = FileSource::from_fd(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), "f");
  ASSERT_TRUE(source.ok());
  ASSERT_EQ(::truncate(path.c_str(), 100), 0);
  auto read = source->read_struct<std::array<char, 200>>(0);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, "f: the file shrank while it was read");
}

TEST(Checked, OverflowIsNoValue) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(checked_add(kMax, 0), kMax);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_mul(kMax, 2), std::nullopt);
  EXPECT_TRUE(range_inside(4, 6, 10));
  EXPECT_FALSE(range_inside(4, 7, 10));
  EXPECT_FALSE(range_inside(11, 0, 10));
  EXPECT_FALSE(range_inside(kMax, kMax, 10));
}

}  // namespace
}  // namespace gpuinit::base
