#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Outcome = ProbeRun::Outcome;

const std::string kId = "device.context";

ContextTrial& trial(Facts& facts, std::size_t index) {
  return facts.node.devices.value()[index].context.value();
}

TEST(DeviceContext, PassesACorrectResult) {
  EXPECT_TRUE(says_nothing(healthy(), kId));
  // Without a kernel of our own, memory that came back right is good enough.
  auto story = healthy();
  trial(story, 0).kernel_ran = false;
  trial(story, 0).note = "PTX JIT is switched off: CUDA error 223";
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(DeviceContext, AWrongResultIsTheNode) {
  auto story = healthy();
  trial(story, 1).result_correct = false;
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.exit_code, kExitNode);
  EXPECT_EQ(finding.summary, "GPU 1: a test kernel ran and its result was wrong");
}

TEST(DeviceContext, AnErrorHasItsOwnClass) {
  const std::pair<int, int> rows[] = {{46, kExitNotReady},
                                      {2, kExitNotReady},
                                      {214, kExitNode},
                                      {719, kExitNode},
                                      {4242, kExitNode}};
  for (const auto& [error, code] : rows) {
    auto story = healthy();
    trial(story, 0).cuda_error = error;
    trial(story, 0).step = "cuDevicePrimaryCtxRetain";
    trial(story, 0).result_correct = false;
    const auto finding = only(story, kId);
    EXPECT_EQ(finding.exit_code, code) << error;
    EXPECT_THAT(finding.summary, HasSubstr("GPU 0: cuDevicePrimaryCtxRetain says CUDA error"));
  }
}

TEST(DeviceContext, TheSameTroubleIsSaidOnce) {
  auto story = healthy();
  for (std::size_t i = 0; i < 2; ++i) {
    trial(story, i).cuda_error = 46;
    trial(story, i).step = "cuDevicePrimaryCtxRetain";
  }
  EXPECT_THAT(only(story, kId).summary, HasSubstr("GPUs 0, 1: "));
}

TEST(DeviceContext, AHangOrCrashInATrialIsSaidOnceAndHere) {
  auto story = healthy();
  story.node.probe->outcome = Outcome::kTimedOut;
  story.node.probe->last_step = "cuDevicePrimaryCtxRetain 1";
  story.node.devices.value()[1].context = Fact<ContextTrial>::unknown("timed out");
  EXPECT_THAT(verdicts(story), ElementsAre("device.context=75"));
  EXPECT_THAT(only(story, kId).summary, HasSubstr("cuDevicePrimaryCtxRetain 1"));
  story.node.probe->outcome = Outcome::kCrashed;
  EXPECT_THAT(verdicts(story), ElementsAre("device.context=69"));
  // After the last trial it is only odd.
  story.node.devices.value()[1].context = (*story.node.devices)[0].context;
  EXPECT_THAT(verdicts(story), ElementsAre("~device.context"));
}

TEST(DeviceContext, AProbeThatWasHinderedSaysNothingOfTheGpu) {
  auto story = healthy();
  story.node.probe->outcome = Outcome::kCrashed;
  story.node.probe->last_step = "cuLaunchKernel 1";
  story.node.devices.value()[1].context = Fact<ContextTrial>::unknown("refused");
  story.node.probe->refused_calls = {"mount"};
  EXPECT_THAT(verdicts(story), testing::IsEmpty());
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story.node.probe->refused_calls.clear();
  story.node.probe->out_of_memory = true;
  EXPECT_THAT(verdicts(story), testing::IsEmpty());
}

// warmup.timeout: the others were tried, and what they said counts.
TEST(DeviceContext, AHangOfOneDeviceNamesItAndKeepsWhatTheOthersSaid) {
  auto story = healthy();
  story.node.probe->outcome = Outcome::kTimedOut;
  story.node.probe->detail = "no answer within 30 s in cuMemAlloc_v2 1";
  story.node.probe->last_step = "cuMemAlloc_v2 1";
  story.node.devices.value()[1].context =
      Fact<ContextTrial>::unknown("no answer within 30 s in cuMemAlloc_v2");
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.exit_code, kExitNotReady);
  EXPECT_THAT(finding.summary, HasSubstr("it hangs in cuMemAlloc_v2 1"));
  EXPECT_THAT(finding.evidence,
              testing::Contains(seen("GPU 1", "no answer within 30 s in cuMemAlloc_v2")));
  EXPECT_THAT(finding.evidence, testing::Not(testing::Contains(seen("GPU 0", testing::_))));
  trial(story, 0).result_correct = false;
  EXPECT_THAT(verdicts(story), ElementsAre("device.context=69", "device.context=75"));
}

// It was one of those on trial at the same time; nobody can tell which.
TEST(DeviceContext, ACrashAccusesAllThatWereOnTrialAndNoOther) {
  auto story = healthy();
  story.node.probe->outcome = Outcome::kCrashed;
  story.node.probe->last_step = "cuMemAlloc_v2 0, cuLaunchKernel 1";
  for (std::size_t i = 0; i < 2; ++i)
    story.node.devices.value()[i].context = Fact<ContextTrial>::unknown("ended by SIGSEGV");
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.exit_code, kExitNode);
  EXPECT_THAT(finding.summary, HasSubstr("in cuMemAlloc_v2 0, cuLaunchKernel 1"));
  EXPECT_THAT(finding.why,
              HasSubstr("where several were tried at the same time, it was one of them"));
  EXPECT_THAT(finding.evidence, testing::Contains(seen("GPUs 0, 1", "ended by SIGSEGV")));
}

TEST(DeviceContext, SkippedAndUnknown) {
  auto story = healthy();
  story.node.devices.value()[0].context = Fact<ContextTrial>::unknown("not asked for");
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  Policy off;
  off.warmup.context = false;
  EXPECT_EQ(only(story, kId, off).severity, Severity::kSkipped);
  story.node.devices = Fact<std::vector<Device>>();
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story.image.torch = Fact<Torch>::absent();
  EXPECT_EQ(only(story, kId).severity, Severity::kSkipped);
}

}  // namespace
}  // namespace gpuinit::checks
