#include "warmup/withheld_code.h"

#include <gtest/gtest.h>

namespace gpuinit::warmup {
namespace {

constexpr std::uint64_t kPage = WithheldCode::kGranule;
constexpr std::uint64_t kBase = 0x7f00'0000'0000;

WithheldCode code_of(std::uint64_t pages) {
  WithheldCode code;
  code.add({kBase, kBase + pages * kPage, 3 * kPage, 5, "/lib"});
  return code;
}

TEST(WithheldCode, GivesTheGranuleAroundAnAddress) {
  const WithheldCode code = code_of(10);
  const auto granule = code.granule(kBase + 2 * kPage + 17);
  ASSERT_TRUE(granule);
  EXPECT_EQ(granule->begin, kBase + 2 * kPage);
  EXPECT_EQ(granule->end, kBase + 3 * kPage);
  EXPECT_EQ(granule->offset, 5 * kPage);
  EXPECT_EQ(granule->protection, 5);
  EXPECT_EQ(granule->path, "/lib");
}

TEST(WithheldCode, GivesNothingOutside) {
  const WithheldCode code = code_of(10);
  EXPECT_FALSE(code.granule(kBase - 1));
  EXPECT_TRUE(code.granule(kBase));
  EXPECT_TRUE(code.granule(kBase + 10 * kPage - 1));
  EXPECT_FALSE(code.granule(kBase + 10 * kPage));
}

TEST(WithheldCode, ForgetsWhatSomethingElseHappensTo) {
  WithheldCode code = code_of(10);
  EXPECT_FALSE(code.forget(0, kBase));
  EXPECT_TRUE(code.forget(kBase + 2 * kPage, kBase + 4 * kPage));
  EXPECT_TRUE(code.contains(kBase + kPage));
  EXPECT_FALSE(code.contains(kBase + 2 * kPage));
  EXPECT_FALSE(code.contains(kBase + 4 * kPage - 1));
  ASSERT_TRUE(code.contains(kBase + 4 * kPage));
  EXPECT_EQ(code.granule(kBase + 4 * kPage)->offset, 7 * kPage) << "what is left keeps its place";
  EXPECT_TRUE(code.forget(0, ~std::uint64_t{0}));
  EXPECT_TRUE(code.ranges().empty());
}

TEST(WithheldCode, KnowsWhatTheKernelMappedBesideCodeThatRan) {
  WithheldCode code = code_of(100);
  EXPECT_FALSE(code.ran_near(kBase));
  code.gave(*code.granule(kBase + 16 * kPage));
  EXPECT_TRUE(code.ran_near(kBase + 31 * kPage)) << "64 KB, aligned";
  EXPECT_FALSE(code.ran_near(kBase + 15 * kPage));
  EXPECT_FALSE(code.ran_near(kBase + 32 * kPage));
}

}  // namespace
}  // namespace gpuinit::warmup
