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
  story.node.machine = story.node.kernel_machine = machine;
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

TEST(Platform, AnEmulatorPassesNoGpuOn) {
  auto story = arm_image("aarch64");
  story.node.kernel_machine = Text("x86_64");
  EXPECT_THAT(verdicts(story), ElementsAre("platform=65"));
  const auto finding = only(story, "platform");
  EXPECT_EQ(finding.summary, "the image is for aarch64, and an emulator runs it on x86_64");
  EXPECT_THAT(finding.fix, HasSubstr("linux/amd64"));
  // A 64-bit ARM kernel calls itself by this name, and a 32-bit one runs no image for aarch64.
  for (const char* kernel : {"aarch64", "armv8l"}) {
    story.node.kernel_machine = Text(kernel);
    EXPECT_THAT(verdicts(story), IsEmpty()) << kernel;
  }
}

TEST(Platform, AnImageMayBeBuiltInAnEmulator) {
  auto story = arm_image("aarch64");
  story.node.kernel_machine = Text("x86_64");
  Policy policy;
  policy.gpu.required = GpuRequired::kNo;
  EXPECT_THAT(verdicts(story, policy), IsEmpty());
}

TEST(Platform, WhatIsNotKnownFailsNothing) {
  auto story = arm_image("x86_64");
  story.node.machine = Text();
  EXPECT_EQ(only(story, "platform").severity, Severity::kUndecided);
  story = arm_image("x86_64");
  story.image.interpreter->machine = Text();
  story.image.torch->machine = Text();
  EXPECT_EQ(only(story, "platform").severity, Severity::kUndecided);
}

Facts needs(const char* image, const char* cpu) {
  auto story = healthy();
  story.image.cpu_level = Text(image);
  story.image.cpu_level_of = "/usr/lib64/libc.so.6";
  story.node.cpu_level = Text(cpu);
  return story;
}

TEST(Platform, ACpuBelowTheLevelFails) {
  EXPECT_THAT(verdicts(needs("x86-64-v3", "x86-64-v2")), ElementsAre("platform=66"));
  const auto finding = only(needs("x86-64-v2", "x86-64-v1"), "platform");
  EXPECT_EQ(finding.summary, "the image needs a CPU of x86-64-v2, and this one is x86-64-v1");
  EXPECT_THAT(finding.evidence, testing::Contains(seen("x86-64-v2", "/usr/lib64/libc.so.6")));
  EXPECT_THAT(finding.fix, HasSubstr("-cpu host"));
  EXPECT_THAT(verdicts(needs("x86-64-v2", "x86-64-v2")), IsEmpty());
  EXPECT_THAT(verdicts(needs("x86-64-v3", "x86-64-v4")), IsEmpty());
}

TEST(Platform, AnOldGlibcLooksAtNoLevel) {
  auto story = needs("x86-64-v3", "x86-64-v2");
  story.image.glibc = Text("2.32");
  EXPECT_TRUE(says_nothing(story, "platform"));
  story.image.glibc = Text("2.33");
  EXPECT_THAT(verdicts(story), ElementsAre("platform=66"));
  story.image.glibc = Text::absent("no libc.so.6 is loaded");
  EXPECT_TRUE(says_nothing(story, "platform"));
  story.image.glibc = Text();
  EXPECT_EQ(only(story, "platform").severity, Severity::kUndecided);
}

TEST(Platform, ALevelThatIsNotKnownFailsNothing) {
  auto story = needs("x86-64-v2", "x86-64-v1");
  story.node.cpu_level = Text();
  EXPECT_EQ(only(story, "platform").severity, Severity::kUndecided);
  story.node.cpu_level = Text::absent("not an x86-64 machine");
  EXPECT_TRUE(says_nothing(story, "platform"));
  story.node.cpu_level = Text("x86-64-v1");
  story.image.cpu_level = Text();
  EXPECT_TRUE(says_nothing(story, "platform"));
  // Every x86-64 has the first.
  story = needs("x86-64-v1", "x86-64-v1");
  story.node.cpu_level = Text();
  EXPECT_TRUE(says_nothing(story, "platform"));
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
