// image.sealed: an image that is not what was sealed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checks/story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kId = "image.sealed";

Story sealed(SealState state) {
  Story story;
  story.image.seal = std::move(state);
  return story;
}

TEST(ImageSealed, SaysNothingWhereItHoldsOrThereIsNoSeal) {
  EXPECT_TRUE(says_nothing(sealed({"/etc/gpuinit/seal", {}, ""}), kId));
  Story story;
  story.image.seal = Fact<SealState>::absent("the image has no seal");
  EXPECT_NE(only(story, kId).severity, Severity::kWarn);
}

TEST(ImageSealed, WarnsOfWhatChanged) {
  const Finding finding =
      only(sealed({"/etc/gpuinit/seal", {"/a.so has another size", "/b is gone"}, ""}), kId);
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_THAT(finding.summary, HasSubstr("/a.so has another size, and more"));
  EXPECT_THAT(finding.fix, HasSubstr("gpuinit --seal /etc/gpuinit/seal"));
}

TEST(ImageSealed, PinsAnImageWhereThePolicySaysFail) {
  Story story = sealed({"/etc/gpuinit/seal", {"/a.so has another size"}, ""});
  story.policy.checks[kId] = Level::kFail;
  const Finding finding = only(story, kId);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
}

TEST(ImageSealed, OfAnotherStartIsNoFault) {
  const Finding finding =
      only(sealed({"/etc/gpuinit/seal", {}, "PYTHONPATH has another value"}), kId);
  EXPECT_EQ(finding.severity, Severity::kSkip);
  EXPECT_THAT(finding.summary, HasSubstr("PYTHONPATH has another value"));
}

}  // namespace
}  // namespace gpuinit::checks
