#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = ProbeRun::Outcome;

const std::string kId = "device.present";

Facts init_says(int error) {
  auto story = healthy();
  story.node.probe->init_error = error;
  story.node.kernel_gpus = Fact<std::vector<KernelGpu>>();
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit");
  if (error == 100) story.node.devices = std::vector<Device>{};
  return story;
}

Facts probe_ended(Outcome outcome, const std::string& step) {
  auto story = healthy();
  ProbeRun run;
  run.outcome = outcome;
  run.last_step = step;
  run.detail = "the detail";
  if (step.starts_with("cu")) run.load_error = Text::absent();
  story.node.probe = run;
  story.node.devices = Fact<std::vector<Device>>::unknown("the probe gave no whole answer");
  story.node.driver.cuda_version = Text("12.8");
  return story;
}

TEST(DevicePresent, PassesAsManyAsWanted) {
  EXPECT_TRUE(says_nothing(healthy(), kId));
  Policy policy;
  for (const char* count : {">=1", "2", ">=1,<=4"}) {
    policy.gpu.count = count;
    EXPECT_TRUE(says_nothing(healthy(), kId, policy)) << count;
  }
}

TEST(DevicePresent, FailsAnotherNumber) {
  Policy policy;
  for (const char* count : {">=8", "1", "4"}) {
    policy.gpu.count = count;
    const auto finding = only(healthy(), kId, policy);
    EXPECT_EQ(finding.exit_code, kExitNode) << count;
    EXPECT_THAT(finding.summary, HasSubstr("2 GPUs are visible")) << count;
    EXPECT_EQ(evidence(finding, "devices"), "2 × NVIDIA H100 80GB HBM3, compute capability 9.0");
  }
}

TEST(DevicePresent, NoDeviceIsTheNodesClass) {
  auto story = init_says(100);
  EXPECT_THAT(verdicts(story), ElementsAre("device.present=69"));
  EXPECT_THAT(only(story, kId).why, HasSubstr("No CUDA GPUs are available"));
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", "-1");
  EXPECT_EQ(only(story, kId).summary, "cuda.visible-devices failed");
  story.node.environment->clear();
  story.node.environment->emplace("NVIDIA_VISIBLE_DEVICES", "none");
  EXPECT_THAT(only(story, kId).summary, HasSubstr("NVIDIA_VISIBLE_DEVICES=none"));
  // CDI's own value, with GPUs and without.
  story.node.environment->insert_or_assign("NVIDIA_VISIBLE_DEVICES", "void");
  EXPECT_EQ(only(story, kId).summary, "the driver sees no GPU in this container");
}

TEST(DevicePresent, EachErrorHasItsClass) {
  const std::pair<int, int> rows[] = {{802, kExitNotReady}, {46, kExitNotReady}, {2, kExitNotReady},
                                      {3, kExitNode},       {999, kExitNode},    {804, kExitFit},
                                      {12345, kExitNode}};
  for (const auto& [error, code] : rows) {
    const auto finding = only(init_says(error), kId);
    EXPECT_EQ(finding.severity, Severity::kFail) << error;
    EXPECT_EQ(finding.exit_code, code) << error;
    EXPECT_THAT(finding.summary, HasSubstr(std::to_string(error)));
    EXPECT_FALSE(finding.fix.empty());
  }
}

TEST(DevicePresent, ClosedNodesDoNotMatterWhereTheDriverIsContent) {
  auto story = healthy();
  story.node.device_nodes->push_back({"/dev/nvidia7", EPERM});
  story.node.device_nodes->push_back({"/dev/nvidia-modeset", EACCES});
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(DevicePresent, AHangIsNotReadyAndACrashIsTheNode) {
  const auto hang = only(probe_ended(Outcome::kTimedOut, "cuInit"), kId);
  EXPECT_EQ(hang.exit_code, kExitNotReady);
  EXPECT_THAT(hang.summary, HasSubstr("cuInit"));
  EXPECT_EQ(evidence(hang, "probe"), "the detail");
  EXPECT_EQ(only(probe_ended(Outcome::kCrashed, "cuInit"), kId).exit_code, kExitNode);
  EXPECT_EQ(only(probe_ended(Outcome::kExited, "cuDeviceGetName 3"), kId).exit_code, kExitNode);
  EXPECT_THAT(verdicts(probe_ended(Outcome::kTimedOut, "cuInit")),
              ElementsAre("device.present=75"));
}

TEST(DevicePresent, AProbeThatNeverAskedSaysNothingOfTheDriver) {
  for (const auto outcome : {Outcome::kCrashed, Outcome::kExited, Outcome::kGarbled,
                             Outcome::kNoLoader, Outcome::kNotStarted}) {
    const auto story = probe_ended(outcome, "");
    EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
    EXPECT_THAT(verdicts(story), IsEmpty());
  }
}

// What gpuinit did to it condemns no node.
TEST(DevicePresent, AProbeThatWasHinderedSaysNothingOfTheDriver) {
  for (const auto outcome : {Outcome::kCrashed, Outcome::kExited, Outcome::kTimedOut}) {
    auto refused = probe_ended(outcome, "cuInit");
    refused.node.probe->refused_calls = {"mount"};
    EXPECT_EQ(only(refused, kId).severity, Severity::kUndecided);
    EXPECT_THAT(verdicts(refused), IsEmpty());
  }
  auto killed = probe_ended(Outcome::kCrashed, "cuInit");
  killed.node.probe->out_of_memory = true;
  EXPECT_EQ(only(killed, kId).severity, Severity::kUndecided);
  EXPECT_THAT(verdicts(killed), IsEmpty());
}

Facts only_nodes(std::vector<DeviceNode> nodes) {
  auto story = healthy();
  story.node.probe = Fact<ProbeRun>::unknown("not run");
  story.node.devices = Fact<std::vector<Device>>::unknown("not run");
  story.node.device_nodes = std::move(nodes);
  return story;
}

TEST(DevicePresent, WithoutAProbeTheDeviceNodesSpeak) {
  EXPECT_EQ(only(only_nodes({}), kId).exit_code, kExitNode);
  EXPECT_EQ(only(only_nodes({{"/dev/nvidia0", EPERM}}), kId).summary, "device.permissions failed");
  EXPECT_EQ(only(only_nodes({{"/dev/nvidia0", EPERM}, {"/dev/nvidia1", 0}}), kId).severity,
            Severity::kUndecided);
  auto jetson = only_nodes({});
  jetson.node.driver.kernel_version = Text::unknown("Tegra");
  EXPECT_EQ(only(jetson, kId).severity, Severity::kUndecided);
}

TEST(DevicePresent, APolicyMayBeContentWithNone) {
  Policy policy;
  policy.gpu.count = ">=0";
  EXPECT_TRUE(says_nothing(init_says(100), kId, policy));
  EXPECT_EQ(only(init_says(802), kId, policy).exit_code, kExitNotReady);
}

TEST(DevicePresent, SkippedAndUnknown) {
  Policy none;
  none.gpu.required = GpuRequired::kNo;
  EXPECT_EQ(only(healthy(), kId, none).severity, Severity::kSkipped);
  auto story = healthy();
  story.node.devices = Fact<std::vector<Device>>();
  story.node.device_nodes = Fact<std::vector<DeviceNode>>();
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
}

}  // namespace
}  // namespace gpuinit::checks
