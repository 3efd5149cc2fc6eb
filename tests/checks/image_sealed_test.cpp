// image.sealed: an image that is not what was sealed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checks/story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;

constexpr const char* kId = "image.sealed";

Facts sealed(SealState state) {
  Facts facts = healthy();
  facts.image.seal = std::move(state);
  return facts;
}

TEST(ImageSealed, SaysNothingWhereItHoldsOrThereIsNoSeal) {
  EXPECT_TRUE(says_nothing(sealed({"/etc/gpuinit/seal", {}, ""}), kId));
  Facts facts = healthy();
  facts.image.seal = Fact<SealState>::absent("the image has no seal");
  EXPECT_TRUE(says_nothing(facts, kId));
}

TEST(ImageSealed, WarnsOfWhatChanged) {
  const Finding finding = only(
      sealed({"/etc/gpuinit/seal", {"/a.so has another size", "/b is gone"}, ""}), kId, usual());
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_THAT(finding.summary, HasSubstr("/a.so has another size, and more"));
  EXPECT_THAT(finding.fix, HasSubstr("write /etc/gpuinit/seal after it"));
}

TEST(ImageSealed, PinsAnImageWhereThePolicySaysFail) {
  Policy policy = usual();
  policy.checks[kId] = Level::kFail;
  const Finding finding =
      only(sealed({"/etc/gpuinit/seal", {"/a.so has another size"}, ""}), kId, policy);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
}

TEST(ImageSealed, OfAnotherStartIsNoFault) {
  const Finding finding =
      only(sealed({"/etc/gpuinit/seal", {}, "PYTHONPATH has another value"}), kId);
  EXPECT_EQ(finding.severity, Severity::kSkipped);
  EXPECT_THAT(finding.summary, HasSubstr("PYTHONPATH has another value"));
}

}  // namespace
}  // namespace gpuinit::checks
