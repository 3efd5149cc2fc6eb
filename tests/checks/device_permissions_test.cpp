#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId = "device.permissions";

Facts init_says(int error, std::vector<DeviceNode> nodes) {
  auto story = healthy();
  story.node.probe->init_error = error;
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit");
  if (error == 100) story.node.devices = std::vector<Device>{};
  story.node.device_nodes = std::move(nodes);
  return story;
}

TEST(DevicePermissions, AClosedFileIsThePermissionClass) {
  const auto story =
      init_says(999, {{"/dev/nvidia0", 0}, {"/dev/nvidiactl", 0}, {"/dev/nvidia-uvm", EACCES}});
  EXPECT_THAT(verdicts(story), ElementsAre("device.permissions=77"));
  EXPECT_THAT(only(story, kId).summary,
              HasSubstr("/dev/nvidia-uvm may not be opened: Permission denied"));
}

// `systemctl daemon-reload` on the node took the rule away.
TEST(DevicePermissions, ALostCgroupRuleClosesTheControlDevice) {
  const auto story = init_says(100, {{"/dev/nvidia0", EPERM}, {"/dev/nvidiactl", EPERM}});
  EXPECT_THAT(verdicts(story), ElementsAre("device.permissions=77"));
  EXPECT_THAT(only(story, kId).why, HasSubstr("daemon-reload"));
}

TEST(DevicePermissions, OneClosedGpuAmongOpenOnesIsAnothers) {
  EXPECT_THAT(verdicts(init_says(802, {{"/dev/nvidia0", 0},
                                       {"/dev/nvidia1", EPERM},
                                       {"/dev/nvidiactl", 0},
                                       {"/dev/nvidia-uvm", 0}})),
              ElementsAre("device.present=75"));
}

TEST(DevicePermissions, AMissingUvmDeviceIsTheNodeClass) {
  for (const int error : {100, 304, 999}) {
    const auto story = init_says(error, {{"/dev/nvidia0", 0}, {"/dev/nvidiactl", 0}});
    EXPECT_THAT(verdicts(story), ElementsAre("device.permissions=69")) << error;
    EXPECT_THAT(only(story, kId).summary, HasSubstr("/dev/nvidia-uvm is missing"));
  }
  EXPECT_THAT(only(init_says(100, {{"/dev/nvidia0", 0}}), kId).summary,
              HasSubstr("/dev/nvidiactl, /dev/nvidia-uvm are missing"));
}

TEST(DevicePermissions, AMissingFileExplainsOnlyWhatItCanExplain) {
  const std::vector<DeviceNode> nodes{{"/dev/nvidia0", 0}, {"/dev/nvidiactl", 0}};
  EXPECT_THAT(verdicts(init_says(802, nodes)), ElementsAre("device.present=75"));
  EXPECT_THAT(verdicts(init_says(46, nodes)), ElementsAre("device.present=75"));
  // No GPU was given: then that is what is missing.
  EXPECT_THAT(verdicts(init_says(100, {{"/dev/nvidiactl", 0}})), ElementsAre("device.present=69"));
}

TEST(DevicePermissions, WhatTheDriverIsContentWithIsFine) {
  auto story = healthy();
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidia0", EPERM}};
  EXPECT_THAT(verdicts(story), IsEmpty());
}

// Nobody asked the driver, and before its first use libcuda makes the file itself.
TEST(DevicePermissions, WithoutAnAnswerOnlyAClosedFileFails) {
  auto story = healthy();
  story.node.probe = Fact<ProbeRun>::unknown("not run");
  story.node.devices = Fact<std::vector<Device>>::unknown("not run");
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidia0", 0}, {"/dev/nvidiactl", 0}};
  EXPECT_THAT(verdicts(story), IsEmpty());
  story.node.device_nodes =
      std::vector<DeviceNode>{{"/dev/nvidia0", 0}, {"/dev/nvidiactl", EACCES}};
  EXPECT_THAT(verdicts(story), ElementsAre("device.permissions=77"));
  story.node.device_nodes = Fact<std::vector<DeviceNode>>();
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
}

TEST(DevicePermissions, WslAndTegraHaveOtherFiles) {
  auto wsl = init_says(100, {{"/dev/dxg", 0}});
  wsl.node.driver.kernel_version = Text::unknown("WSL");
  EXPECT_TRUE(says_nothing(wsl, kId));
  auto jetson = init_says(999, {{"/dev/nvidia0", 0}});
  jetson.node.driver.kernel_version = Text::unknown("Tegra");
  EXPECT_TRUE(says_nothing(jetson, kId));
}

TEST(DevicePermissions, ADriverThatHangsIsAnotherMatter) {
  auto story = init_says(0, {{"/dev/nvidia0", EPERM}});
  story.node.probe->init_error = Fact<int>::unknown("timed out");
  story.node.probe->outcome = ProbeRun::Outcome::kTimedOut;
  story.node.probe->last_step = "cuInit";
  EXPECT_THAT(verdicts(story), ElementsAre("device.present=75"));
}

}  // namespace
}  // namespace gpuinit::checks
