#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Facts torch_of_another_python() {
  return facts(python("3.12.4", "312"), torch_251(), healthy().node);
}

const Finding& finding_of(const std::vector<Finding>& findings, std::string_view id) {
  for (const Finding& finding : findings)
    if (finding.id == id) return finding;
  throw std::runtime_error("no " + std::string(id));
}

TEST(ImageReadable, AFailureIsNotToldWhileAFileCannotBeRead) {
  Facts story = torch_of_another_python();
  ASSERT_THAT(verdicts(story), ElementsAre("python.abi=65"));
  story.image.unread = {{"/s/torch-2.5.1.dist-info/METADATA", "Input/output error"}};
  EXPECT_THAT(verdicts(story), ElementsAre("image.readable=75"));
  const auto findings = run_checks(story, Policy{});
  EXPECT_EQ(findings.front().summary,
            "the image could not be read: /s/torch-2.5.1.dist-info/METADATA: Input/output error");
  const Finding& withheld = finding_of(findings, "python.abi");
  EXPECT_EQ(withheld.severity, Severity::kUndecided);
  EXPECT_THAT(withheld.summary, HasSubstr("cannot be told, since the image could not be read"));
  EXPECT_EQ(withheld.evidence.back().label, "not told");
}

TEST(ImageReadable, StopsWhereWhatIsSurelyLoadedCannotBeRead) {
  Facts story = healthy();
  story.image.unread = {{"/usr/share/x", "Stale file handle"}};
  EXPECT_THAT(verdicts(story), ElementsAre());
  EXPECT_EQ(finding_of(run_checks(story, Policy{}), "image.readable").severity,
            Severity::kUndecided);
  story.image.unread = {{story.image.torch->path + "/lib/libtorch_cpu.so", "Stale file handle"}};
  EXPECT_THAT(verdicts(story), ElementsAre("image.readable=75"));
}

TEST(ImageReadable, ThePolicysLevelHoldsWhateverWasWithheld) {
  Facts story = torch_of_another_python();
  story.image.unread = {{"/usr/share/x", "Input/output error"}};
  Policy policy;
  policy.checks["image.readable"] = Level::kWarn;
  EXPECT_EQ(finding_of(run_checks(story, policy), "image.readable").severity, Severity::kWarn);
  EXPECT_EQ(judge(run_checks(story, policy)).exit_code, 0);
}

TEST(ImageReadable, WhatPassedIsUndecidedAsWell) {
  Facts story = healthy();
  story.image.unread = {{"/usr/share/x", "Stale file handle"}};
  EXPECT_EQ(finding_of(run_checks(story, Policy{}), "python.packages").severity,
            Severity::kUndecided);
}

TEST(ImageReadable, AnOwnLimitWithholdsNothingAndNeverStops) {
  Facts story = torch_of_another_python();
  story.image.unread = {{"/s", "more than 5000 distributions", true}};
  EXPECT_THAT(verdicts(story), ElementsAre("python.abi=65"));
  const auto findings = run_checks(story, Policy{});
  EXPECT_EQ(findings.front().severity, Severity::kUndecided);
  EXPECT_THAT(findings.front().summary, HasSubstr("/s: more than 5000 distributions"));
}

TEST(ImageReadable, WhatIsOnlyAWarningStaysAWarningsWeight) {
  Facts story = torch_of_another_python();
  story.image.unread = {{"/usr/share/x", "Input/output error"}};
  Policy policy;
  policy.checks["python.abi"] = Level::kWarn;
  EXPECT_EQ(judge(run_checks(story, policy)).exit_code, 0);
}

TEST(ImageReadable, ARefusedPathIsNamedBeforeTheCure) {
  Facts story = torch_of_another_python();
  story.image.refused = {"/s/nvidia/cublas/lib"};
  const auto findings = run_checks(story, Policy{});
  EXPECT_THAT(finding_of(findings, "python.abi").fix,
              testing::StartsWith("This user may not read /s/nvidia/cublas/lib:"));
}

}  // namespace
}  // namespace gpuinit::checks
