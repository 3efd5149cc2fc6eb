#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;

const std::string kId = "device.arch";

Facts on(const std::string& capability, Torch torch, const std::string& cuda = "12.8") {
  return facts(python("3.12.4", "312"), std::move(torch),
               node("570.124.06", cuda, {device("NVIDIA X", capability)}));
}

struct Case {
  const char* capability;
  std::optional<Severity> severity;
};

TEST(DeviceArch, FollowsTheTargets) {
  const Case cases[] = {{"9.0", std::nullopt},     {"8.9", std::nullopt},
                        {"10.3", std::nullopt},    {"12.1", std::nullopt},
                        {"7.5", std::nullopt},     {"6.1", Severity::kFail},
                        {"11.0", Severity::kFail}, {"8.7", Severity::kWarn}};
  for (const auto& test : cases) {
    const auto story = on(test.capability, torch_280());
    if (!test.severity) EXPECT_TRUE(says_nothing(story, kId)) << test.capability;
    else EXPECT_EQ(only(story, kId).severity, *test.severity) << test.capability;
  }
}

TEST(DeviceArch, AnOldGpuIsToldWhichToolkitsStillKnowIt) {
  EXPECT_THAT(only(on("6.1", torch_280()), kId).fix, HasSubstr("CUDA 12 toolkits still compile"));
  EXPECT_THAT(only(on("6.1", torch_280()), kId).fix, HasSubstr("download.pytorch.org/whl/cu126`)"));
  EXPECT_EQ(only(on("6.1", torch_280()), kId).needs, "sm_61");
  EXPECT_THAT(only(on("6.1", torch_280()), kId).has, testing::StartsWith("sm_70,sm_75,"));
  EXPECT_THAT(only(on("3.7", torch_280()), kId).fix, testing::Not(HasSubstr("--index-url")));
  EXPECT_THAT(only(on("3.7", torch_280()), kId).fix, HasSubstr("CUDA 11 toolkits still compile"));
  EXPECT_THAT(only(on("2.1", torch_280()), kId).fix, testing::Not(HasSubstr("toolkits")));
}

TEST(DeviceArch, ANewGpuIsToldTheFirstToolkitAndTheIndexThatMostDriversServe) {
  const auto old = torch("2.6.0+cu124", "12.4", "312", {"sm_80", "sm_90"}, "8.4");
  EXPECT_THAT(only(on("12.0", old), kId).fix, HasSubstr("CUDA 12.8 and newer can compile"));
  EXPECT_THAT(only(on("12.0", old), kId).fix, HasSubstr("download.pytorch.org/whl/cu128`)"));
  EXPECT_THAT(only(on("10.7", old), kId).fix, HasSubstr("CUDA 13.4 and newer can compile"));
  EXPECT_THAT(only(on("11.0", old), kId).fix, testing::Not(HasSubstr("--index-url")));
  EXPECT_THAT(only(on("7.5", old), kId).fix, testing::Not(HasSubstr("--index-url")));
}

TEST(DeviceArch, FallsBackToTheArchList) {
  auto wheel = torch_280();
  wheel.device_code = Fact<DeviceCode>::unknown("cannot be followed");
  EXPECT_TRUE(says_nothing(on("9.0", wheel), kId));
  EXPECT_EQ(only(on("6.1", wheel), kId).severity, Severity::kFail);
  EXPECT_THAT(evidence(only(on("6.1", wheel), kId), "arch list"), HasSubstr("sm_70"));
  // PTX of the list was written by torch's own toolkit.
  wheel.arch_list = std::vector<std::string>{"sm_80", "compute_80"};
  EXPECT_EQ(only(on("9.0", wheel), kId).severity, Severity::kWarn);
  EXPECT_EQ(only(on("9.0", wheel, "12.2"), kId).severity, Severity::kFail);
  EXPECT_THAT(only(on("9.0", wheel, "12.2"), kId).why, HasSubstr("222"));
}

TEST(DeviceArch, Cuda126WritesThePtxOf125) {
  auto wheel = torch("2.7.0+cu126", "12.6", "312", {"sm_80", "compute_80"}, "8.5");
  EXPECT_EQ(only(on("9.0", wheel, "12.5"), kId).severity, Severity::kWarn);
  EXPECT_EQ(only(on("9.0", wheel, "12.4"), kId).severity, Severity::kFail);
  wheel.device_code = Fact<DeviceCode>::unknown("");
  EXPECT_EQ(only(on("9.0", wheel, "12.5"), kId).severity, Severity::kWarn);
}

TEST(DeviceArch, PtxIsUndecidedWhereTheDriverIsUnknown) {
  auto story = on("9.0", torch("x", "12.8", "312", {"sm_80", "compute_80"}, "8.7"));
  story.node = NodeFacts{};
  story.node.devices = std::vector<Device>{device("NVIDIA X", "9.0")};
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  EXPECT_THAT(only(story, kId).summary, HasSubstr("the driver's CUDA version is not known"));
  // A branch between two of the table: at least 13.2.
  story.node.driver.kernel_version = Text("600.10");
  EXPECT_EQ(only(story, kId).severity, Severity::kWarn);
  story.image.torch = torch("x", "13.3", "312", {"sm_80", "compute_80"}, "9.3");
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
}

TEST(DeviceArch, PtxThatMayNotBeCompiledIsNoCode) {
  auto story = on("9.0", torch("x", "12.8", "312", {"sm_80", "compute_80"}, "8.7"));
  story.node.environment->emplace("CUDA_DISABLE_PTX_JIT", "1");
  EXPECT_EQ(only(story, kId).severity, Severity::kFail);
  EXPECT_THAT(only(story, kId).fix, HasSubstr("CUDA_DISABLE_PTX_JIT"));
}

// One cure must not uncover the next failure.
TEST(DeviceArch, ADriverThatIsTooOldDoesNotHideAGpuWithoutCode) {
  auto story = facts(python("3.12.4", "312"), torch_280(),
                     node("470.256.02", "11.4", {device("Tesla P100", "6.0")}));
  EXPECT_THAT(verdicts(story), testing::ElementsAre("cuda.driver=66", "device.arch=66"));
  // With PTX the newer driver alone is the cure.
  story.image.torch = torch("x", "12.8", "312", {"sm_50", "compute_50"}, "8.7");
  EXPECT_THAT(verdicts(story), testing::ElementsAre("cuda.driver=66", "~device.arch"));
}

TEST(DeviceArch, SameDevicesAreOneFinding) {
  auto story = healthy();
  const auto p100 = device("Tesla P100", "6.0");
  story.node.devices = std::vector<Device>{p100, h100(), p100, p100};
  EXPECT_THAT(only(story, kId).summary, HasSubstr("GPUs 0, 2, 3 (Tesla P100"));
}

TEST(DeviceArch, SkippedAndUnknown) {
  auto story = healthy();
  story.node.devices.value()[1].compute_capability = Text::unknown("not said");
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story = healthy();
  story.image.torch->device_code = Fact<DeviceCode>::unknown("why");
  story.image.torch->arch_list = Fact<std::vector<std::string>>::unknown("why");
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story = healthy();
  story.node.devices = Fact<std::vector<Device>>();
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  Policy none;
  none.gpu.required = GpuRequired::kNo;
  EXPECT_EQ(only(healthy(), kId, none).severity, Severity::kSkipped);
}

}  // namespace
}  // namespace gpuinit::checks
