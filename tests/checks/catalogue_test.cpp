#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "checks/run_checks.h"

namespace gpuinit::checks {
namespace {

using testing::Contains;

TEST(Catalogue, HasEveryCheckOnceWithItsRule) {
  std::set<std::string_view> ids;
  for (const auto& check : catalogue()) {
    EXPECT_TRUE(ids.insert(check.id).second) << check.id;
    EXPECT_NE(check.run, nullptr) << check.id;
  }
  EXPECT_GE(ids.size(), 34U);
}

TEST(Catalogue, CausesComeFirst) {
  std::set<std::string_view> earlier;
  for (const auto& check : catalogue()) {
    for (const auto cause : base::split_words(check.suppressed_by))
      EXPECT_THAT(earlier, Contains(cause)) << check.id;
    earlier.insert(check.id);
  }
}

TEST(Catalogue, EveryTextIsWhole) {
  for (const auto& check : catalogue()) {
    EXPECT_FALSE(check.title.empty()) << check.id;
    EXPECT_FALSE(check.title.ends_with('.')) << check.id;
    EXPECT_LE(check.title.size(), 90U) << check.id;
    EXPECT_TRUE(check.looks_at.ends_with('.')) << check.id;
    EXPECT_TRUE(check.why.ends_with('.')) << check.id;
    EXPECT_TRUE(check.fix.ends_with('.')) << check.id;
    EXPECT_TRUE(check.exit_codes.starts_with("6") || check.exit_codes == "75") << check.id;
  }
}

}  // namespace
}  // namespace gpuinit::checks
