#include "warmup/page_plan.h"

#include <gtest/gtest.h>

namespace gpuinit::warmup {
namespace {

std::vector<Range> tidied(std::vector<Range> ranges, std::uint64_t size = 1 << 30) {
  tidy(ranges, size);
  return ranges;
}

TEST(Tidy, SortsAndJoinsWhatOverlapsOrIsNear) {
  const std::uint64_t far = 10 * kGap;
  EXPECT_EQ(tidied({{far, 10}, {0, 10}}), (std::vector<Range>{{0, 10}, {far, 10}}));
  EXPECT_EQ(tidied({{0, 100}, {50, 100}}), (std::vector<Range>{{0, 150}}));
  EXPECT_EQ(tidied({{0, 100}, {10, 5}}), (std::vector<Range>{{0, 100}})) << "one inside another";
  EXPECT_EQ(tidied({{0, 10}, {10 + kGap - 1, 1}}), (std::vector<Range>{{0, 10 + kGap}}));
  EXPECT_EQ(tidied({{0, 10}, {10 + kGap, 1}}).size(), 2U);
}

TEST(Tidy, LeavesOutWhatTheFileHasNot) {
  EXPECT_EQ(tidied({{0, 10}, {90, 100}, {100, 5}, {5000, 5}, {20, 0}}, 100),
            (std::vector<Range>{{0, 100}}));
  EXPECT_EQ(tidied({{0, 10}}, 0), std::vector<Range>{});
  EXPECT_EQ(tidied({{5, ~std::uint64_t{0}}}, 100), (std::vector<Range>{{5, 95}})) << "no overflow";
}

TEST(TotalBytes, CountsEveryRangeOfEveryFile) {
  EXPECT_EQ(total_bytes({}), 0U);
  EXPECT_EQ(total_bytes({{"/a", 10, 0, {{0, 3}, {5, 2}}}, {"/b", 10, 0, {{0, 10}}}}), 15U);
}

}  // namespace
}  // namespace gpuinit::warmup
