#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId = "cuda.require";

Facts asking(const std::string& condition, NodeFacts node) {
  node.environment->emplace("NVIDIA_REQUIRE_CUDA", condition);
  return facts(python("3.12.4", "312"), torch_280(), std::move(node));
}

constexpr const char* kLikeCuda128 =
    "cuda>=12.8 brand=unknown,driver>=535,driver<536 brand=tesla,driver>=535,driver<536 "
    "brand=nvidia,driver>=535,driver<536 brand=geforce,driver>=535,driver<536 "
    "brand=geforcertx,driver>=535,driver<536";

TEST(CudaRequire, IsMetByTheDriversCudaOrByABranchOfTheList) {
  EXPECT_THAT(verdicts(asking(kLikeCuda128, node("570.124.06", "12.8", {h100()}))), IsEmpty());
  EXPECT_THAT(verdicts(asking(kLikeCuda128, node("535.104.05", "12.2", {h100()}))), IsEmpty());
  EXPECT_THAT(verdicts(asking(kLikeCuda128, node("535.104.05", "12.2",
                                                 {device("NVIDIA GeForce RTX 4090", "8.9")}))),
              IsEmpty());
  EXPECT_THAT(verdicts(asking("cuda>=9.0", node("570.124.06", "12.8", {h100()}))), IsEmpty());
}

TEST(CudaRequire, ABranchThatIsNotOnTheListIsRefused) {
  const auto story = asking(kLikeCuda128, node("545.23.08", "12.3", {h100(), h100()}));
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.require=66"));
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.summary,
            "the image asks for cuda>=12.8 or one of 5 alternatives (NVIDIA_REQUIRE_CUDA), and "
            "this node does not meet it");
  EXPECT_EQ(evidence(finding, "driver serves"), "CUDA 12.3");
  EXPECT_THAT(finding.fix, HasSubstr("NVIDIA_DISABLE_REQUIRE=1"));
}

TEST(CudaRequire, EveryVariableMustHold) {
  auto story = asking("cuda>=12.0", node("570.124.06", "12.8", {h100()}));
  story.node.environment->emplace("NVIDIA_REQUIRE_DRIVER", "driver>=575");
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.require=66"));
  EXPECT_THAT(only(story, kId).summary, HasSubstr("NVIDIA_REQUIRE_DRIVER"));
  story.node.environment.value()["NVIDIA_REQUIRE_DRIVER"] = "driver>=570";
  story.node.environment->emplace("NVIDIA_REQUIRE_JETPACK", "csv-mounts=all");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(CudaRequire, EveryDeviceMustHold) {
  const auto story =
      asking("arch>=8.0", node("570.124.06", "12.8", {h100(), device("Tesla T4", "7.5")}));
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.require=66"));
  EXPECT_THAT(evidence(only(story, kId), "GPU 1"), HasSubstr("Tesla T4"));
}

TEST(CudaRequire, CanBeSwitchedOff) {
  auto story = asking(kLikeCuda128, node("545.23.08", "12.3", {h100()}));
  story.node.environment->emplace("NVIDIA_DISABLE_REQUIRE", "true");
  EXPECT_EQ(only(story, kId).severity, Severity::kSkipped);
  story.node.environment.value()["NVIDIA_DISABLE_REQUIRE"] = "0";
  EXPECT_EQ(only(story, kId).severity, Severity::kFail);
}

TEST(CudaRequire, WhatIsNotKnownIsUnknown) {
  EXPECT_EQ(only(asking("color=green", healthy().node), kId).severity, Severity::kUndecided);
  auto story = asking("brand=tesla,driver>=535", healthy().node);
  story.node.devices = Fact<std::vector<Device>>();
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story.node.environment = Fact<std::map<std::string, std::string>>();
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  // A newer driver than the tables know serves at least what they know.
  story = asking("cuda>=13.0", healthy().node);
  story.node.driver.cuda_version = Text();
  story.node.driver.kernel_version = Text("999.10");
  story.node.driver.libcuda = Fact<LibCuda>();
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(CudaRequire, ADriverThatIsTooOldForTorchIsSaidOnce) {
  const auto story =
      asking("cuda>=12.8", node("470.256.02", "11.4", {device("Tesla V100-SXM2-16GB", "7.0")}));
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.driver=66"));
  EXPECT_EQ(only(story, kId).summary, "cuda.driver failed");
}

TEST(CudaRequire, AskedWithoutAGpuInSightItSaysNothing) {
  auto story = facts(python("3.12.4", "312"), cpu_torch(), no_gpu_machine());
  story.node.environment->emplace("NVIDIA_REQUIRE_CUDA", "cuda>=12.8");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

}  // namespace
}  // namespace gpuinit::checks
