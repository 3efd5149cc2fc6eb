// device.kind, device.memory and device.features: what a policy asks of every GPU.
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

TEST(DeviceMemory, InAllIsAskedForApart) {
  Policy policy = usual();
  policy.gpu.memory_total = 75 * kGiB;
  EXPECT_THAT(verdicts(with_memory(79 * kGiB, kGiB), policy), IsEmpty());
  EXPECT_THAT(verdicts(with_memory(40 * kGiB, 40 * kGiB), policy), ElementsAre("device.memory=66"));
  policy.gpu.memory = 2 * kGiB;
  EXPECT_THAT(verdicts(with_memory(79 * kGiB, kGiB), policy), ElementsAre("device.memory=75"));
  // What is free is not asked for, and need not be known.
  policy.gpu.memory = 0;
  auto story = with_memory(79 * kGiB, kGiB);
  story.node.devices->front().memory_free_bytes = Fact<std::uint64_t>::unknown("not asked");
  EXPECT_TRUE(says_nothing(story, "device.memory", policy));
}

TEST(DeviceMemory, SeveralAreToldInOneSentence) {
  auto story = with_memory(40 * kGiB, 39 * kGiB);
  story.node.devices->front().memory_bytes = 24 * kGiB;
  EXPECT_EQ(
      only(story, "device.memory", wants_memory(48 * kGiB)).summary,
      "GPUs 0, 1 have too little memory, the least is 24.0 GiB, and the policy asks for 48.0 GiB");
}

// A node of eight, of which the last is `other`.
Facts eight_and(const Device& other) {
  auto story = healthy();
  story.node = node("570.124.06", "12.8", std::vector<Device>(8, h100()));
  story.node.devices->back() = other;
  return story;
}
Device a100() {
  Device gpu = device("NVIDIA A100-SXM4-80GB", "8.0");
  gpu.memory_bytes = 80 * kGiB;
  return gpu;
}
Device mig_instance() {
  Device gpu = device("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "9.0");
  gpu.memory_bytes = 10 * kGiB;
  gpu.mig = true;
  return gpu;
}

TEST(DeviceKind, ByName) {
  Policy policy = usual();
  policy.gpu.name = {"H100", "*H200*"};
  EXPECT_TRUE(says_nothing(eight_and(h100()), "device.kind", policy));
  const Finding finding = only(eight_and(a100()), "device.kind", policy);
  EXPECT_EQ(finding.exit_code, kExitFit);
  EXPECT_EQ(finding.summary,
            "GPU 7 is NVIDIA A100-SXM4-80GB, and the policy asks for H100 or *H200*");
  EXPECT_THAT(evidence(finding, "GPU 7"),
              testing::StartsWith("NVIDIA A100-SXM4-80GB, compute capability 8.0, 80.0 GiB"));
}

TEST(DeviceKind, EqualNamesAreToldOnce) {
  Policy policy = usual();
  policy.gpu.name = {"B200"};
  const Finding all = only(eight_and(h100()), "device.kind", policy);
  EXPECT_EQ(all.summary, "GPUs 0-7 are NVIDIA H100 80GB HBM3, and the policy asks for B200");
  EXPECT_EQ(all.evidence.size(), 1U);
  EXPECT_EQ(evidence(all, "GPUs 0-7"), "NVIDIA H100 80GB HBM3, compute capability 9.0, 80.0 GiB");
  EXPECT_EQ(
      only(eight_and(a100()), "device.kind", policy).summary,
      "GPUs 0-7 are 7 × NVIDIA H100 80GB HBM3; 1 × NVIDIA A100-SXM4-80GB, and the policy asks "
      "for B200");
}

TEST(DeviceKind, ByComputeCapability) {
  Policy policy = usual();
  policy.gpu.compute_capability = ">=9.0";
  EXPECT_TRUE(says_nothing(eight_and(h100()), "device.kind", policy));
  EXPECT_TRUE(says_nothing(eight_and(device("a GPU", "12.0")), "device.kind", policy));
  EXPECT_EQ(only(eight_and(a100()), "device.kind", policy).summary,
            "GPU 7 has compute capability 8.0, and the policy asks for >=9.0");
}

TEST(DeviceKind, WholeOrSplit) {
  Policy whole = usual();
  whole.gpu.mig = GpuMig::kNo;
  EXPECT_TRUE(says_nothing(eight_and(h100()), "device.kind", whole));
  EXPECT_EQ(only(eight_and(mig_instance()), "device.kind", whole).summary,
            "GPU 7 is a MIG instance, and the policy asks for whole GPUs");
  Policy split = usual();
  split.gpu.mig = GpuMig::kYes;
  EXPECT_EQ(only(eight_and(mig_instance()), "device.kind", split).summary,
            "GPUs 0-6 are whole GPUs, and the policy asks for MIG instances");
}

TEST(DeviceKind, AllAlike) {
  Policy policy = usual();
  policy.gpu.same = true;
  EXPECT_TRUE(says_nothing(eight_and(h100()), "device.kind", policy));
  EXPECT_TRUE(says_nothing(eight_and(mig_instance()), "device.kind", usual()));
  EXPECT_EQ(
      only(eight_and(a100()), "device.kind", policy).summary,
      "the GPUs are not all alike, as the policy asks: 7 × NVIDIA H100 80GB HBM3, compute "
      "capability 9.0, 80.0 GiB; 1 × NVIDIA A100-SXM4-80GB, compute capability 8.0, 80.0 GiB");
  Device smaller = h100();
  smaller.memory_bytes = 64 * kGiB;
  EXPECT_EQ(only(eight_and(smaller), "device.kind", policy).exit_code, kExitFit);
}

// Those that are there do not fit either, and another try of the same kind of node is no help.
TEST(DeviceKind, IsToldOfTooFewGpusToo) {
  Policy policy = usual();
  policy.gpu.count = "16";
  EXPECT_THAT(verdicts(eight_and(h100()), policy), ElementsAre("device.present=69"));
  policy.gpu.name = {"A100"};
  EXPECT_THAT(verdicts(eight_and(h100()), policy),
              ElementsAre("device.present=69", "device.kind=66"));
}

TEST(DeviceKind, WithoutAGpuDevicePresentSpeaks) {
  Policy policy = usual();
  policy.gpu.same = true;
  auto story = healthy();
  story.node.devices = std::vector<Device>{};
  EXPECT_THAT(verdicts(story, policy), ElementsAre("device.present=69"));
  EXPECT_EQ(only(story, "device.kind", policy).severity, Severity::kSkipped);
}

TEST(DeviceKind, WhatTheDriverDidNotSayIsUnknownUnlessTheRestDecides) {
  Policy policy = usual();
  policy.gpu.name = {"H100"};
  auto story = eight_and(h100());
  story.node.devices->front().name = Text::unknown("not asked");
  EXPECT_EQ(only(story, "device.kind", policy).severity, Severity::kUndecided);
  story.node.devices->back().name = std::string("NVIDIA A100-SXM4-80GB");
  EXPECT_EQ(only(story, "device.kind", policy).severity, Severity::kFail);
  story.node.devices = Fact<std::vector<Device>>::unknown("not asked");
  EXPECT_EQ(only(story, "device.kind", policy).severity, Severity::kUndecided);

  Policy same = usual();
  same.gpu.same = true;
  story = eight_and(h100());
  story.node.devices->front().memory_bytes = Fact<std::uint64_t>::unknown("not asked");
  EXPECT_EQ(only(story, "device.kind", same).severity, Severity::kUndecided);
  story.node.devices->back() = a100();
  EXPECT_EQ(only(story, "device.kind", same).severity, Severity::kFail);
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
  EXPECT_EQ(only(story, "device.features", wants({"p2p"})).severity, Severity::kSkipped);
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
