#include "warmup/page_plan.h"

#include <gtest/gtest.h>

#include <utility>

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

PagePlan touched(std::vector<Piece> pieces) {
  return {{{"/a", 1 << 20, 7}, {"/b", 1 << 20, 7}, {"/c", 0, 0, PlannedFile::Kind::kName}},
          std::move(pieces)};
}

TEST(InOrderOfNeed, KeepsTheOrderOfTheFirstTouch) {
  const std::vector<Piece> pieces{{1, {65536, 4096}}, {0, {0, 4096}}, {2, {}}, {1, {0, 4096}}};
  EXPECT_EQ(in_order_of_need(touched(pieces)).pieces, pieces);
}

TEST(InOrderOfNeed, HasNothingTwice) {
  EXPECT_EQ(in_order_of_need(
                touched({{0, {0, 4096}}, {2, {}}, {0, {0, 8192}}, {0, {4096, 4096}}, {2, {}}}))
                .pieces,
            (std::vector<Piece>{{0, {0, 8192}}, {2, {}}}));
}

TEST(InOrderOfNeed, JoinsWhatIsNearWhereItIsNeededFirst) {
  EXPECT_EQ(in_order_of_need(touched({{0, {8192, 4096}}, {1, {0, 1}}, {0, {0, 4096}}})).pieces,
            (std::vector<Piece>{{0, {0, 12288}}, {1, {0, 1}}}));
}

TEST(InOrderOfNeed, CutsIntoRequests) {
  EXPECT_EQ(in_order_of_need(touched({{0, {kRequest + 4096, 4096}}, {0, {0, 3 * kRequest / 2}}})),
            touched({{0, {kRequest, kRequest / 2}}, {0, {0, kRequest}}}))
      << "all of it is joined, and requests are counted from its beginning";
  const auto late = in_order_of_need(
      touched({{0, {2 * kRequest, 4096}}, {0, {0, 2 * kRequest}}, {0, {kRequest, 4096}}}));
  EXPECT_EQ(late,
            touched({{0, {2 * kRequest, 4096}}, {0, {0, kRequest}}, {0, {kRequest, kRequest}}}));
}

TEST(InOrderOfNeed, LeavesOutWhatTheFileHasNot) {
  EXPECT_TRUE(in_order_of_need(touched({{0, {1 << 20, 4096}}, {0, {0, 0}}})).pieces.empty());
}

TEST(TotalBytes, CountsEveryRangeOfEveryFile) {
  EXPECT_EQ(total_bytes({}), 0U);
  EXPECT_EQ(total_bytes(touched({{0, {0, 3}}, {0, {5, 2}}, {1, {0, 10}}, {2, {}}})), 15U);
}

}  // namespace
}  // namespace gpuinit::warmup
