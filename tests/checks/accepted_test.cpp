// [[accept]]: findings that the policy lives with.
#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kId = "expect.torch";

Policy accepting(const std::string& about, const std::string& until = "") {
  Policy policy;
  policy.expect.torch = "2.7.*";  // it is 2.8.0
  policy.accept = {{kId, about, "the team tests with it", until}};
  return policy;
}

std::vector<std::string> words(const Policy& policy, const std::string& today = "2026-11-29",
                               const Facts& facts = healthy()) {
  std::vector<std::string> words;
  for (const auto& finding : run_checks(facts, policy, today))
    if (finding.severity == Severity::kFail || finding.severity == Severity::kWarn ||
        finding.severity == Severity::kAccepted)
      words.push_back(std::to_string(static_cast<int>(finding.severity)) + " " + finding.id + ": " +
                      (finding.evidence.empty() ? "" : finding.evidence.back().label));
  return words;
}

TEST(Accepted, DoesNotCountAndIsStillThere) {
  EXPECT_THAT(words(accepting("*")), ElementsAre("4 expect.torch: accepted"));
  const auto findings = run_checks(healthy(), accepting("*"));
  EXPECT_EQ(judge(findings).exit_code, 0);
  EXPECT_EQ(judge(findings).word, Verdict::Word::kPass);
  EXPECT_THAT(of(findings, Severity::kAccepted).front().summary,
              testing::HasSubstr("the policy pins 2.7.*"));
}

TEST(Accepted, IsNarrow) {
  EXPECT_THAT(words(accepting("torchvision")), Contains(testing::StartsWith("0 expect.torch")));
  auto other = accepting("*");
  other.accept[0].check = "expect.cuda";
  EXPECT_THAT(words(other), Contains(testing::StartsWith("0 expect.torch")));
}

TEST(Accepted, EndsWithItsDay) {
  EXPECT_THAT(words(accepting("*", "2026-11-29")), ElementsAre("4 expect.torch: accepted"));
  EXPECT_THAT(words(accepting("*", "2026-11-28")),
              ElementsAre("0 expect.torch: no longer accepted"));
  EXPECT_THAT(words(accepting("*", "2026-11-28"), ""), ElementsAre("4 expect.torch: accepted"))
      << "no day is known";
}

TEST(Accepted, AnEntryThatIsForNothingIsTold) {
  auto policy = accepting("*");
  policy.expect.torch = "2.8.*";
  EXPECT_THAT(words(policy), ElementsAre("1 expect.torch: accepted"));
  const auto finding = only(healthy(), kId, policy);
  EXPECT_EQ(finding.summary, "accepted, but no longer there: *");
  // What is skipped, undecided or off may have been what it is for.
  policy.expect.torch = "";
  EXPECT_THAT(words(policy), IsEmpty());
  policy.expect.torch = "2.8.*";
  policy.checks[kId] = Level::kOff;
  EXPECT_THAT(words(policy), IsEmpty());
  policy.checks.clear();
  auto story = healthy();
  story.image.torch->version = Text::unknown("not read");
  EXPECT_THAT(words(policy, "", story), IsEmpty());
}

}  // namespace
}  // namespace gpuinit::checks
