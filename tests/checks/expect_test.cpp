#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;

Policy pins(std::string Policy::Expect::*field, const std::string& range) {
  Policy policy;
  policy.expect.*field = range;
  return policy;
}

struct Case {
  const char* id;
  std::string Policy::Expect::*field;
  const char* met;
  const char* not_met;
  int exit_code;
};

const Case kCases[] = {
    {"expect.python", &Policy::Expect::python, ">=3.10,<3.13", "3.11", kExitImage},
    {"expect.torch", &Policy::Expect::torch, "2.8.*", "<2.8", kExitImage},
    {"expect.cuda", &Policy::Expect::cuda, "12.8", "13", kExitImage},
    {"expect.driver", &Policy::Expect::driver, ">=535.104.05", ">=580", kExitFit},
};

TEST(Expect, MetNotMetAndNotPinned) {
  for (const auto& test : kCases) {
    EXPECT_EQ(only(healthy(), test.id).severity, Severity::kSkipped) << test.id;
    EXPECT_TRUE(says_nothing(healthy(), test.id, pins(test.field, test.met))) << test.id;
    const auto finding = only(healthy(), test.id, pins(test.field, test.not_met));
    EXPECT_EQ(finding.severity, Severity::kFail) << test.id;
    EXPECT_EQ(finding.exit_code, test.exit_code) << test.id;
    EXPECT_THAT(finding.summary, HasSubstr(test.not_met)) << test.id;
    EXPECT_EQ(finding.needs, test.not_met);
    EXPECT_THAT(finding.summary, HasSubstr(" is " + finding.has + ",")) << test.id;
  }
}

TEST(Expect, UnknownFailsNothing) {
  for (const auto& test : kCases)
    EXPECT_EQ(only(Facts{}, test.id, pins(test.field, test.not_met)).severity,
              Severity::kUndecided);
}

TEST(Expect, APinIsADemand) {
  auto story = healthy();
  story.image.torch = Fact<Torch>::absent("nothing on sys.path is called torch");
  EXPECT_EQ(only(story, "expect.torch", pins(&Policy::Expect::torch, "2.8")).exit_code, kExitImage);
  EXPECT_EQ(only(story, "expect.cuda", pins(&Policy::Expect::cuda, "12.8")).exit_code, kExitImage);
  story.image.torch = cpu_torch();
  EXPECT_EQ(only(story, "expect.cuda", pins(&Policy::Expect::cuda, "12.8")).exit_code, kExitImage);
  story.node = no_gpu_machine();
  EXPECT_EQ(only(story, "expect.driver", pins(&Policy::Expect::driver, ">=535")).exit_code,
            kExitFit);
  auto policy = pins(&Policy::Expect::driver, ">=535");
  policy.gpu.required = GpuRequired::kNo;
  EXPECT_EQ(only(story, "expect.driver", policy).severity, Severity::kSkipped);
}

TEST(Expect, OfAGuessedInterpreterOnlyWarns) {
  auto story = healthy();
  story.image.command = {"sh", "-c", "conda run python x.py"};
  story.image.interpreter->from_command = false;
  EXPECT_EQ(only(story, "expect.python", pins(&Policy::Expect::python, "3.11")).severity,
            Severity::kWarn);
}

TEST(Expect, AVersionThatIsTooCoarseDecidesNothing) {
  auto story = healthy();
  story.image.interpreter->version = Text("3.12");
  EXPECT_EQ(only(story, "expect.python", pins(&Policy::Expect::python, ">=3.12.2")).severity,
            Severity::kUndecided);
  EXPECT_TRUE(says_nothing(story, "expect.python", pins(&Policy::Expect::python, ">=3.11.9")));
  EXPECT_EQ(only(story, "expect.python", pins(&Policy::Expect::python, "3.11.9")).severity,
            Severity::kFail);
}

TEST(Expect, ABadRangeIsThePolicysError) {
  const auto findings = run_checks(healthy(), pins(&Policy::Expect::torch, "newest"));
  EXPECT_EQ(judge(findings), (Verdict{Verdict::Word::kFail, kExitPolicy}));
}

}  // namespace
}  // namespace gpuinit::checks
