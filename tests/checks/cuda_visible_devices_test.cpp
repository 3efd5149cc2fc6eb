#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId = "cuda.visible-devices";

Facts with(const std::string& value) {
  auto story = healthy();
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", value);
  return story;
}

// The driver shows `count` devices under it.
Facts shows(const std::string& value, std::size_t count) {
  auto story = with(value);
  story.node.devices = std::vector<Device>(count, h100());
  if (count == 0) story.node.probe->init_error = 100;
  return story;
}

Facts not_asked(const std::string& value) {
  auto story = with(value);
  story.node.probe = Fact<ProbeRun>::unknown("not run");
  story.node.devices = Fact<std::vector<Device>>::unknown("not run");
  return story;
}

TEST(CudaVisibleDevices, HidingEverythingIsOneFailure) {
  for (const char* value : {"", "-1", "NoDevFiles", "none", "0,0", "7", "GPU-ffff", "7,0"}) {
    EXPECT_THAT(verdicts(shows(value, 0)), ElementsAre("cuda.visible-devices=69")) << value;
    EXPECT_THAT(verdicts(not_asked(value)), ElementsAre("cuda.visible-devices=69")) << value;
  }
  EXPECT_EQ(only(shows("", 0), kId).summary,
            "CUDA_VISIBLE_DEVICES is empty, which hides every GPU");
  EXPECT_EQ(only(shows("-1", 0), kId).summary, "CUDA_VISIBLE_DEVICES=-1 hides every GPU");
  EXPECT_EQ(only(shows("1,1", 0), kId).summary,
            "CUDA_VISIBLE_DEVICES=1,1 names 1 twice, which hides every GPU");
  EXPECT_EQ(only(shows("7", 0), kId).summary,
            "CUDA_VISIBLE_DEVICES=7 begins with a GPU that is not there and hides every GPU");
}

TEST(CudaVisibleDevices, EntriesThatAreIgnoredAreNamed) {
  EXPECT_THAT(verdicts(shows("0,1,5", 2)), ElementsAre("~cuda.visible-devices"));
  EXPECT_EQ(only(shows("0,1,5", 2), kId).summary, "CUDA_VISIBLE_DEVICES: 5 makes no GPU visible");
  EXPECT_EQ(only(shows("0,x,1", 1), kId).summary, "CUDA_VISIBLE_DEVICES: x, 1 make no GPU visible");
  EXPECT_EQ(only(not_asked("1,5,0"), kId).summary,
            "CUDA_VISIBLE_DEVICES: 5, 0 make no GPU visible");
  EXPECT_EQ(only(not_asked("0,-1,1"), kId).summary, "CUDA_VISIBLE_DEVICES: 1 makes no GPU visible");
}

TEST(CudaVisibleDevices, WhatTheDriverShowsIsNotDoubted) {
  for (const char* value : {"0,1", "GPU-0f6,GPU-1f6", "0,1,", "0,1,-1", "1gpu, 0", "GPU-zz,GPU-yy"})
    EXPECT_THAT(verdicts(shows(value, 2)), IsEmpty()) << value;
  EXPECT_THAT(verdicts(shows("0,0", 1)), IsEmpty());
}

TEST(CudaVisibleDevices, UuidsAreComparedWithThoseOfTheKernelDriver) {
  EXPECT_TRUE(says_nothing(not_asked("GPU-0f6d4b4f,GPU-1f6d4b4f"), kId));
  EXPECT_EQ(only(not_asked("GPU-0f6d4b4f,GPU-9"), kId).severity, Severity::kWarn);
  EXPECT_EQ(only(not_asked("GPU-"), kId).severity, Severity::kFail);  // fits both
  auto story = not_asked("GPU-9");
  story.node.kernel_gpus.value()[1].uuid = Text::unknown("not started yet");
  EXPECT_TRUE(says_nothing(story, kId));
  story.node.kernel_gpus = Fact<std::vector<KernelGpu>>();
  EXPECT_TRUE(says_nothing(story, kId));
}

// With CDI, /proc shows the whole node, and the container was given two of its eight.
TEST(CudaVisibleDevices, OnlyGpusThatMayBeOpenedCount) {
  auto story = not_asked("GPU-7");
  for (int i = 2; i < 8; ++i)
    story.node.kernel_gpus->push_back({"0000:0" + std::to_string(i) + ":00.0",
                                       Text("NVIDIA H100 80GB HBM3"),
                                       Text("GPU-" + std::to_string(i) + "f6d4b4f"), i});
  EXPECT_EQ(only(story, kId).severity, Severity::kFail);
  story.node.environment.value()["CUDA_VISIBLE_DEVICES"] = "1,0";
  EXPECT_TRUE(says_nothing(story, kId));
  story.node.environment.value()["CUDA_VISIBLE_DEVICES"] = "0,2";
  EXPECT_EQ(only(story, kId).severity, Severity::kWarn);
}

TEST(CudaVisibleDevices, OneMigInstanceIsAllThatAProcessSees) {
  const std::string two =
      "MIG-c788539f-c1ea-5a36-8b4d-9b07d024b1bb,MIG-405bbda1-6b05-535f-9702-f95e8cd170ce";
  EXPECT_THAT(verdicts(shows(two, 1)), ElementsAre("~cuda.visible-devices"));
  EXPECT_THAT(only(shows(two, 1), kId).why, HasSubstr("one MIG instance"));
  EXPECT_THAT(only(not_asked(two), kId).summary, HasSubstr("MIG-405bbda1"));
  EXPECT_THAT(verdicts(shows(two, 2)), IsEmpty());  // a driver that has learned it
  EXPECT_THAT(verdicts(shows("MIG-GPU-8932f937/1/2", 1)), IsEmpty());
}

TEST(CudaVisibleDevices, IsNotTheCauseWhereSomethingElseIs) {
  // No GPU in the container at all.
  auto story = shows("0", 0);
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidiactl", 0}};
  EXPECT_THAT(verdicts(story), ElementsAre("device.present=69"));
  // No driver at all.
  story = with("");
  story.node = no_gpu_machine();
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", "");
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.libcuda=69"));
  // The GPU that is named is there, and the driver does not show it.
  EXPECT_THAT(verdicts(shows("0", 0)), ElementsAre("device.present=69"));
  // The fabric is not ready.
  story = with("7");
  story.node.probe->init_error = 802;
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit");
  EXPECT_THAT(verdicts(story), ElementsAre("device.present=75"));
  // Nothing may be opened.
  story = shows("0", 0);
  story.node.device_nodes =
      std::vector<DeviceNode>{{"/dev/nvidiactl", EPERM}, {"/dev/nvidia0", EPERM}};
  EXPECT_THAT(verdicts(story), ElementsAre("device.permissions=77"));
}

TEST(CudaVisibleDevices, UnderMpsTheServerCounts) {
  auto story = not_asked("5");
  EXPECT_EQ(only(story, kId).severity, Severity::kFail);
  story.node.environment->emplace("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps");
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(CudaVisibleDevices, APolicyMayBeContentWithNone) {
  Policy policy;
  policy.gpu.count = ">=0";
  EXPECT_THAT(verdicts(shows("", 0), policy), IsEmpty());
  Policy none;
  none.gpu.required = GpuRequired::kNo;
  EXPECT_THAT(verdicts(shows("", 0), none), IsEmpty());
}

TEST(CudaVisibleDevices, AFailureThatOnlyWarnsSilencesNobody) {
  Policy policy;
  policy.checks[kId] = Level::kWarn;
  EXPECT_THAT(verdicts(shows("-1", 0), policy),
              ElementsAre("~cuda.visible-devices", "device.present=69"));
}

}  // namespace
}  // namespace gpuinit::checks
