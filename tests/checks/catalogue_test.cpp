#include <gtest/gtest.h>

#include "checks/run_checks.h"
#include "gpuinit/check_ids.h"

namespace gpuinit::checks {
namespace {

TEST(Catalogue, HasEveryIdInOrder) {
  ASSERT_EQ(catalogue().size(), kCheckIds.size());
  for (std::size_t i = 0; i < kCheckIds.size(); ++i) EXPECT_EQ(catalogue()[i].id, kCheckIds[i]);
}

TEST(Catalogue, EveryTextIsWhole) {
  for (const auto& check : catalogue()) {
    EXPECT_FALSE(check.title.empty()) << check.id;
    EXPECT_FALSE(check.title.ends_with('.')) << check.id;
    EXPECT_LE(check.title.size(), 90U) << check.id;
    EXPECT_TRUE(check.looks_at.ends_with('.')) << check.id;
    EXPECT_TRUE(check.why.ends_with('.')) << check.id;
    EXPECT_TRUE(check.fix.ends_with('.')) << check.id;
    EXPECT_TRUE(check.exit_codes.starts_with("6")) << check.id;
  }
}

}  // namespace
}  // namespace gpuinit::checks
