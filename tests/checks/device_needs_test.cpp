// device.memory and device.features: what a policy asks of every GPU.
#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

Policy wants_memory(std::uint64_t bytes) {
  Policy policy = usual();
  policy.gpu.memory = bytes;
  return policy;
}
Policy wants(std::vector<std::string> features) {
  Policy policy = usual();
  policy.gpu.features = std::move(features);
  return policy;
}
Facts with_memory(std::uint64_t total, std::uint64_t free) {
  auto story = healthy();
  story.node.devices->back().memory_bytes = total;
  story.node.devices->back().memory_free_bytes = free;
  return story;
}

TEST(DeviceMemory, TooSmallNeedsAnotherNodeAndTakenNeedsTime) {
  EXPECT_THAT(verdicts(with_memory(40 * kGiB, 39 * kGiB), wants_memory(48 * kGiB)),
              ElementsAre("device.memory=66"));
  EXPECT_THAT(verdicts(with_memory(80 * kGiB, 39 * kGiB), wants_memory(48 * kGiB)),
              ElementsAre("device.memory=75"));
  EXPECT_THAT(verdicts(with_memory(80 * kGiB, 48 * kGiB), wants_memory(48 * kGiB)), IsEmpty());
  EXPECT_EQ(
      only(with_memory(80 * kGiB, 39 * kGiB), "device.memory", wants_memory(48 * kGiB)).summary,
      "GPU 1 has 39.0 GiB free, and the policy asks for 48.0 GiB");
}

TEST(DeviceMemory, IsNotLookedAtUnlessThePolicyAsks) {
  EXPECT_THAT(verdicts(with_memory(1, 0), usual()), IsEmpty());
}

TEST(DeviceMemory, WhatTheDriverDidNotSayIsUnknown) {
  auto story = with_memory(80 * kGiB, 80 * kGiB);
  story.node.devices->front().memory_free_bytes = Fact<std::uint64_t>::unknown("not asked");
  EXPECT_EQ(only(story, "device.memory", wants_memory(kGiB)).severity, Severity::kUndecided);
  story.node.devices = Fact<std::vector<Device>>::unknown("not asked");
  EXPECT_EQ(only(story, "device.memory", wants_memory(kGiB)).severity, Severity::kUndecided);
}

TEST(DeviceFeatures, FollowTheComputeCapability) {
  const auto on = [](const std::string& capability, const std::string& feature) {
    auto story = healthy();
    story.node.devices = std::vector<Device>{h100(), device("a GPU", capability)};
    return only(story, "device.features", wants({feature}));
  };
  EXPECT_EQ(on("7.5", "bf16").exit_code, kExitFit);
  EXPECT_EQ(on("7.5", "bf16").summary, "GPU 1 cannot do bf16, which the policy asks for");
  EXPECT_EQ(on("8.6", "fp8").exit_code, kExitFit);
  EXPECT_EQ(on("9.0", "fp4").exit_code, kExitFit);
  EXPECT_EQ(on("6.1", "fp16").exit_code, kExitFit);
  for (const auto& [capability, feature] :
       {std::pair("7.5", "int8"), {"8.0", "bf16"}, {"8.0", "tf32"}, {"8.9", "fp8"}}) {
    auto story = healthy();
    story.node.devices = std::vector<Device>{device("a GPU", capability)};
    EXPECT_TRUE(says_nothing(story, "device.features", wants({feature}))) << feature;
  }
}

TEST(DeviceFeatures, OfPairsOnlyTheImpossibleIsKnown) {
  auto story = healthy();
  EXPECT_EQ(only(story, "device.features", wants({"p2p"})).severity, Severity::kUndecided);
  story.node.devices->back().mig = true;
  EXPECT_EQ(only(story, "device.features", wants({"nvlink"})).exit_code, kExitFit);
  story.node.devices->resize(1);
  EXPECT_THAT(only(story, "device.features", wants({"p2p"})).why, HasSubstr("no peer"));
}

TEST(DeviceFeatures, AnUnknownCapabilityFailsNothing) {
  auto story = healthy();
  story.node.devices->front().compute_capability = Text::unknown("not asked");
  EXPECT_EQ(only(story, "device.features", wants({"bf16"})).severity, Severity::kUndecided);
}

}  // namespace
}  // namespace gpuinit::checks
