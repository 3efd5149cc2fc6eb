#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Facts arm_image(const std::string& machine) {
  auto story = healthy();
  story.image.interpreter->machine = Text("aarch64");
  story.image.torch->machine = Text("aarch64");
  story.node.machine = machine;
  return story;
}

TEST(Platform, AnImageForAnotherProcessorFails) {
  EXPECT_THAT(verdicts(arm_image("x86_64")), ElementsAre("platform=65"));
  const auto finding = only(arm_image("x86_64"), "platform");
  EXPECT_EQ(finding.summary,
            "the interpreter was compiled for aarch64, and this machine is x86_64");
  EXPECT_THAT(finding.why, HasSubstr("exec format error"));
  EXPECT_THAT(finding.fix, HasSubstr("linux/amd64"));
  EXPECT_THAT(verdicts(arm_image("aarch64")), IsEmpty());
}

TEST(Platform, AMixWithinTheImageIsPythonAbis) {
  auto story = healthy();
  story.image.torch->machine = Text("aarch64");
  EXPECT_THAT(verdicts(story), ElementsAre("python.abi=65"));
  story = healthy();
  story.image.interpreter->machine = Text("aarch64");
  EXPECT_THAT(verdicts(story), ElementsAre("platform=65"));
}

TEST(Platform, TorchSpeaksWhereTheInterpreterDoesNot) {
  auto story = arm_image("x86_64");
  story.image.interpreter->machine = Text();
  EXPECT_THAT(only(story, "platform").summary, HasSubstr("torch was compiled for aarch64"));
}

TEST(Platform, ProcessorsThatRunOthersProgramsAreNotJudged) {
  auto story = arm_image("x86_64");
  story.image.interpreter->machine = Text("i386");
  EXPECT_TRUE(says_nothing(story, "platform"));
  story = arm_image("x86_64");
  story.node.machine = Text("armv8l");
  EXPECT_TRUE(says_nothing(story, "platform"));
}

TEST(Platform, WhatIsNotKnownFailsNothing) {
  auto story = arm_image("x86_64");
  story.node.machine = Text();
  EXPECT_EQ(only(story, "platform").severity, Severity::kUnknown);
  story = arm_image("x86_64");
  story.image.interpreter->machine = Text();
  story.image.torch->machine = Text();
  EXPECT_EQ(only(story, "platform").severity, Severity::kUnknown);
}

TEST(Platform, AGuessOnlyWarns) {
  auto story = arm_image("x86_64");
  story.image.interpreter->from_command = false;
  EXPECT_THAT(verdicts(story), ElementsAre("~platform"));
}

// An x86 machine looks at the root of an arm image that it has just put together.
TEST(Platform, ARootThatIsBuiltForAnotherMachineIsNotRunHere) {
  auto story = arm_image("x86_64");
  Policy build;
  build.gpu.required = GpuRequired::kNo;
  EXPECT_THAT(verdicts(story, build), ElementsAre("platform=65"));
  story.image.root = "/mnt/image";
  EXPECT_THAT(verdicts(story, build), IsEmpty());
  EXPECT_THAT(verdicts(story), ElementsAre("platform=65"));
}

}  // namespace
}  // namespace gpuinit::checks
