#include "checks/run_checks.h"

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Facts broken() { return facts(python("3.12.4", "312"), torch_251(), no_gpu_machine()); }

Policy all(Level level) {
  Policy policy;
  for (const auto& check : catalogue()) policy.checks[std::string(check.id)] = level;
  return policy;
}

TEST(RunChecks, AppliesTheLevels) {
  EXPECT_THAT(verdicts(broken(), all(Level::kFail)),
              ElementsAre("python.abi=65", "cuda.libcuda=69"));
  EXPECT_THAT(verdicts(broken(), all(Level::kWarn)), ElementsAre("~python.abi", "~cuda.libcuda"));
  EXPECT_THAT(run_checks(broken(), all(Level::kOff)), IsEmpty());
  EXPECT_EQ(judge(run_checks(broken(), all(Level::kWarn))), (Verdict{Verdict::Word::kWarn, 0}));
}

TEST(RunChecks, ACauseThatOnlyWarnsDoesNotSilenceAFailure) {
  auto policy = all(Level::kFail);
  policy.checks["cuda.libcuda"] = Level::kWarn;
  const auto story = facts(python("3.12.4", "312"), torch_280(), no_gpu_machine());
  EXPECT_THAT(verdicts(story, policy), ElementsAre("~cuda.libcuda", "device.present=69"));
  policy.checks["cuda.libcuda"] = Level::kOff;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("device.present=69"));
}

TEST(RunChecks, EveryFailureAndWarningIsWhole) {
  auto geforce = node("470.1.1", "11.4", {device("NVIDIA GeForce GTX 980", "5.2")});
  geforce.devices->front().context->cuda_error = 46;
  const auto stories = {broken(), facts(python("3.12.4", "312"), torch_280(), geforce),
                        facts(python("3.12.4", "312"), cpu_torch(), healthy().node)};
  for (const auto& story : stories)
    for (const auto& finding : run_checks(story, Policy{})) {
      EXPECT_FALSE(finding.summary.empty()) << finding.id;
      EXPECT_FALSE(finding.summary.ends_with('.')) << finding.summary;
      if (finding.severity != Severity::kFail && finding.severity != Severity::kWarn) continue;
      EXPECT_FALSE(finding.evidence.empty()) << finding.summary;
      EXPECT_TRUE(finding.why.ends_with('.')) << finding.why;
      EXPECT_TRUE(finding.fix.ends_with('.')) << finding.fix;
      for (const auto& [key, label, value] : finding.evidence) {
        EXPECT_FALSE(key.empty());
        EXPECT_FALSE(label.empty());
        EXPECT_LE(label.size(), 32U) << label;
      }
    }
}

// Nothing of a guess stops the command: neither the image's faults nor that its torch lacks a GPU.
TEST(RunChecks, OnlyWarnWhereTheCommandWasNotFollowed) {
  auto story = broken();
  story.image.command = {"./start.sh"};
  story.image.interpreter->from_command = false;
  story.image.program =
      Fact<Program>::unknown("the command was not followed past ./start.sh:12 (an `if`)");
  EXPECT_THAT(verdicts(story, all(Level::kFail)), ElementsAre("~python.abi", "~cuda.libcuda"));
  EXPECT_THAT(only(story, "python.abi").evidence.back().value,
              testing::HasSubstr("past ./start.sh:12"));
  // The policy's own words are no guess.
  auto policy = all(Level::kFail);
  policy.gpu.required = GpuRequired::kYes;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("~python.abi", "cuda.libcuda=69"));
  policy.python.interpreter = story.image.interpreter->path;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("python.abi=65", "cuda.libcuda=69"));
}

TEST(RunChecks, RequiredTorchDoesNotStopWhatWasNotFollowed) {
  auto policy = all(Level::kFail);
  policy.torch.required = true;
  auto story = healthy();
  story.image.torch = Fact<Torch>::absent();
  EXPECT_THAT(verdicts(story, policy), ElementsAre("torch.install=65"));
  story.image.command = {"./entry.sh"};
  story.image.program = Fact<Program>::unknown("not followed");
  story.image.interpreter->from_command = false;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("~torch.install"));
  story.image.interpreter = Fact<Interpreter>::absent("no python3 on PATH");
  EXPECT_THAT(verdicts(story, policy), ElementsAre("~python.interpreter"));
}

TEST(RunChecks, OnlyWarnWhereTheCommandNeedsNoGpu) {
  auto story = broken();
  story.image.program->needs_no_gpu = "`pip` needs no GPU";
  auto policy = all(Level::kFail);
  policy.gpu.required = GpuRequired::kYes;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("~python.abi", "~cuda.libcuda"));
  EXPECT_EQ(only(story, "python.abi", policy).evidence.back().value, "`pip` needs no GPU");
}

TEST(Judge, TheLeastRetryableClassWins) {
  const auto fail = [](int code) {
    Finding finding;
    finding.severity = Severity::kFail;
    finding.exit_code = code;
    return finding;
  };
  EXPECT_EQ(judge({}), Verdict{});
  EXPECT_EQ(judge({fail(75), fail(66), fail(69)}).exit_code, 66);
  EXPECT_EQ(judge({fail(69), fail(77)}).exit_code, 77);
  EXPECT_EQ(judge({fail(66), fail(65), fail(77)}).exit_code, 65);
  EXPECT_EQ(judge({fail(78)}).exit_code, 78);
  Finding warning = fail(65);
  warning.severity = Severity::kWarn;
  EXPECT_EQ(judge({warning}), (Verdict{Verdict::Word::kWarn, 0}));
  Finding unknown = fail(65);
  unknown.severity = Severity::kUndecided;
  EXPECT_EQ(judge({unknown}), Verdict{});
}

}  // namespace
}  // namespace gpuinit::checks
