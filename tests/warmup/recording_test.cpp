#include "warmup/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::warmup {
namespace {

using testing::HasSubstr;

std::string problem(std::string_view text) {
  const auto plan = parse_recording(text);
  return plan ? "" : plan.error().message;
}

TEST(Recording, ComesBackAsItWas) {
  const PagePlan plan{
      {"/usr/lib/libtorch cpu.so", 1 << 20, 1700000000, {{0, 4096}, {524288, 8192}}},
      {"/a", 5, -3, {{0, 5}}}};
  const auto again = parse_recording(recording_text(plan));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, plan);
}

TEST(Recording, IsTextForPeople) {
  EXPECT_EQ(recording_text({{"/a b", 9000, 7, {{0, 100}, {8000, 1000}}}}),
            "gpuinit-pages 1\n9000 7 0+100,8000+1000 /a b\n");
  EXPECT_EQ(recording_text({{"/a\nb", 9, 7, {{0, 9}}}, {"/c", 9, 7, {}}}), "gpuinit-pages 1\n")
      << "a name with a line feed and a file without ranges are left out";
  EXPECT_EQ(parse_recording("gpuinit-pages 1")->size(), 0U);
}

TEST(Recording, IsTidiedWhenRead) {
  const auto plan = parse_recording("gpuinit-pages 1\n100 7 50+100,0+10 /a\n");
  ASSERT_TRUE(plan);
  EXPECT_EQ((*plan)[0].ranges, (std::vector<Range>{{0, 100}}));
}

TEST(Recording, WhatIsWrongHasItsPlace) {
  EXPECT_EQ(problem(""), "it is empty");
  EXPECT_EQ(problem("\n"), "line 1: expected `gpuinit-pages 1`, found ``");
  EXPECT_THAT(problem("gpuinit-pages 2\n"), HasSubstr("line 1: expected `gpuinit-pages 1`"));
  const std::string first = "gpuinit-pages 1\n1 2 0+1 /fine\n";
  EXPECT_THAT(problem(first + "\n"), HasSubstr("line 3: expected <size> <mtime> <ranges> <path>"));
  EXPECT_THAT(problem(first + "1 2 0+1"), HasSubstr("line 3: "));
  EXPECT_THAT(problem(first + "x 2 0+1 /a"),
              HasSubstr("line 3: expected a size in bytes, found `x`"));
  EXPECT_THAT(problem(first + "-1 2 0+1 /a"), HasSubstr("a size in bytes"));
  EXPECT_THAT(problem(first + "1 2s 0+1 /a"), HasSubstr("a time in seconds"));
  EXPECT_THAT(problem(first + "1 2 0+1 a"), HasSubstr("an absolute path, found `a`"));
  EXPECT_THAT(problem(first + "1 2 0-1 /a"), HasSubstr("<offset>+<length>, found `0-1`"));
  EXPECT_THAT(problem(first + "1 2 0+1, /a"), HasSubstr("<offset>+<length>, found ``"));
  EXPECT_THAT(problem(first + "1 2 +1 /a"), HasSubstr("<offset>+<length>"));
  EXPECT_THAT(problem(first + "1 2 9223372036854775807+9223372036854775807 /a"),
              HasSubstr("<offset>+<length>"))
      << "sums must not overflow";
  EXPECT_THAT(problem(std::string("\0\x1b[31m", 6)), testing::Not(HasSubstr("\x1b")));
}

TEST(Recording, SizeIsBounded) {
  std::string files = "gpuinit-pages 1\n";
  for (std::size_t i = 0; i <= kMaxRecordedFiles; ++i) files += "1 1 0+1 /a\n";
  EXPECT_THAT(problem(files), HasSubstr("more files than there can be"));
  std::string ranges = "gpuinit-pages 1\n1 1 0+1";
  for (std::size_t i = 0; i < kMaxRecordedRanges; ++i) ranges += ",0+1";
  EXPECT_THAT(problem(ranges + " /a\n"), HasSubstr("more ranges than there can be"));
}

}  // namespace
}  // namespace gpuinit::warmup
