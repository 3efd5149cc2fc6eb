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
      {{"/usr/lib/libtorch cpu.so", 1 << 20, 1700000000},
       {"/usr/lib", 0, 0, PlannedFile::Kind::kName},
       {"/a", 5, -3}},
      {{0, {524288, 8192}}, {0, {0, 4096}}, {1, {}}, {2, {0, 5}}, {0, {65536, 4096}}}};
  const auto again = parse_recording(recording_text(plan));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, plan);
}

TEST(Recording, IsTextForPeople) {
  PagePlan plan;
  plan.add({"/a b", 9000, 7}, {{8000, 1000}, {0, 100}});
  plan.add({"/d", 0, 0, PlannedFile::Kind::kName});
  plan.pieces.push_back({0, {4096, 8}});
  EXPECT_EQ(recording_text(plan),
            "gpuinit-pages 2\n9000 7 8000+1000,0+100 /a b\n- /d\n=0 4096+8\n");
  EXPECT_EQ(parse_recording("gpuinit-pages 2")->files.size(), 0U);
}

TEST(Recording, LeavesOutNamesWithALineFeedAndFilesWithoutPieces) {
  PagePlan plan;
  plan.add({"/a\nb", 9, 7}, {{0, 9}});
  plan.add({"/c", 9, 7});
  plan.add({"/d", 9, 7}, {{0, 1}});
  plan.add({"/e", 9, 7}, {{0, 1}});
  plan.pieces.push_back({2, {4, 1}});
  EXPECT_EQ(recording_text(plan), "gpuinit-pages 2\n9 7 0+1 /d\n9 7 0+1 /e\n=0 4+1\n")
      << "counted are those that are there";
}

TEST(Recording, IsClippedWhenRead) {
  const auto plan = parse_recording("gpuinit-pages 2\n100 7 50+100,100+1,0+0,0+10 /a\n");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->pieces, (std::vector<Piece>{{0, {50, 50}}, {0, {0, 10}}}));
}

TEST(Recording, WhatIsWrongHasItsPlace) {
  EXPECT_EQ(problem(""), "it is empty");
  EXPECT_EQ(problem("\n"), "line 1: expected `gpuinit-pages 2`, found ``");
  EXPECT_THAT(problem("gpuinit-pages 3\n"), HasSubstr("line 1: expected `gpuinit-pages 2`"));
  const std::string first = "gpuinit-pages 2\n1 2 0+1 /fine\n";
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
  EXPECT_THAT(problem(first + "=1 0+1"), HasSubstr("line 3: expected =<number of a file above>"));
  EXPECT_THAT(problem(first + "=x 0+1"), HasSubstr("=<number of a file above>"));
  EXPECT_THAT(problem(first + "=0"), HasSubstr("=<number of a file above>"));
  EXPECT_THAT(problem(first + "- a"), HasSubstr("line 3: expected an absolute path, found `a`"));
  EXPECT_THAT(problem(first + "- /a\n=1 0+1"), HasSubstr("line 4: "));
  EXPECT_THAT(problem(std::string("\0\x1b[31m", 6)), testing::Not(HasSubstr("\x1b")));
}

TEST(Recording, SizeIsBounded) {
  std::string files = "gpuinit-pages 2\n";
  for (std::size_t i = 0; i <= kMaxRecordedFiles; ++i) files += "1 1 0+1 /a\n";
  EXPECT_THAT(problem(files), HasSubstr("more files than there can be"));
  std::string ranges = "gpuinit-pages 2\n1 1 0+1";
  for (std::size_t i = 0; i < kMaxRecordedRanges; ++i) ranges += ",0+1";
  EXPECT_THAT(problem(ranges + " /a\n"), HasSubstr("more ranges than there can be"));
}

}  // namespace
}  // namespace gpuinit::warmup
