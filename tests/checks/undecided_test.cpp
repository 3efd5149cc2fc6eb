// checks.undecided: what is not known where the policy needs a decision.
#include "facts/facts_json.h"
#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Policy asking(Undecided undecided = Undecided::kFail) {
  Policy policy = usual();
  policy.undecided = undecided;
  policy.torch.required = true;
  return policy;
}

// No torch, and a .pth of an editable install that may bring one.
Facts maybe_torch() {
  auto story = healthy();
  story.image.torch = Fact<Torch>::unknown("app.pth runs `import finder`");
  story.image.cuda_runtime = Fact<CudaRuntime>::unknown("app.pth runs `import finder`");
  story.image.loader = Fact<LoaderFacts>::unknown("app.pth runs `import finder`");
  story.image.extensions = Fact<std::vector<Extension>>::unknown("app.pth runs `import finder`");
  return story;
}

TEST(Undecided, IsOkUnlessThePolicyAsks) {
  EXPECT_THAT(verdicts(maybe_torch(), asking(Undecided::kOk)), IsEmpty());
}

// One cause, one failure: all else is unknown for the same reason.
TEST(Undecided, FailsOnceForAReasonWithTheFirstCodeOfTheCheck) {
  EXPECT_THAT(verdicts(maybe_torch(), asking()), ElementsAre("torch.install=65"));
  EXPECT_THAT(verdicts(maybe_torch(), asking(Undecided::kWarn)), ElementsAre("~torch.install"));
  const auto finding = of(run_checks(maybe_torch(), asking()), Severity::kFail).front();
  EXPECT_EQ(finding.summary,
            "cannot tell whether torch is installed: app.pth runs `import finder`");
  EXPECT_THAT(finding.fix, HasSubstr("python.probe = \"import\""));
  auto story = healthy();
  story.node.devices = Fact<std::vector<Device>>::unknown("not asked");
  EXPECT_THAT(verdicts(story, asking()), ElementsAre("device.present=69"));
}

TEST(Undecided, ATorchThatNothingAsksForIsOk) {
  auto policy = asking();
  policy.torch.required = false;
  EXPECT_THAT(verdicts(maybe_torch(), policy), IsEmpty());
  policy.expect.torch = "2.8.*";
  EXPECT_THAT(verdicts(maybe_torch(), policy), ElementsAre("torch.install=65"));
}

TEST(Undecided, OfChecksThatOnlyWarnIsOk) {
  auto policy = asking();
  for (auto& [id, level] : policy.checks) level = Level::kWarn;
  EXPECT_THAT(verdicts(maybe_torch(), policy), IsEmpty());
}

TEST(Undecided, OnAGuessOnlyWarns) {
  auto story = maybe_torch();
  story.image.command = {"./start.sh"};
  story.image.interpreter->from_command = false;
  story.image.program = Fact<Program>::unknown("start.sh was not followed");
  const auto words = verdicts(story, asking());
  ASSERT_THAT(words, testing::Not(IsEmpty()));
  EXPECT_THAT(words, testing::Each(testing::StartsWith("~")));
}

TEST(Undecided, AnImportThatWorksHasDecided) {
  auto story = maybe_torch();
  story.image.python_probe = agreeing(*story.image.interpreter, *healthy().image.torch);
  auto policy = asking();
  policy.python.probe = PythonProbe::kImport;
  policy.gpu.required = GpuRequired::kNo;
  EXPECT_THAT(verdicts(story, policy), IsEmpty());
  story.image.python_probe->imports.front().error = "ImportError";
  EXPECT_THAT(verdicts(story, policy), testing::Not(IsEmpty()));
}

TEST(Undecided, IsNotAskedWhereSomethingStopsTheCommand) {
  auto story = maybe_torch();
  story.node.driver.libcuda = Fact<LibCuda>::absent("not found");
  story.node.probe = Fact<ProbeRun>::unknown("not run");
  story.node.devices = Fact<std::vector<Device>>::unknown("not run");
  auto policy = asking();
  policy.gpu.required = GpuRequired::kYes;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("cuda.libcuda=69"));
}

TEST(Undecided, UnreadFilesHaveTheCodeOfThatCause) {
  auto story = healthy();
  story.image.unread = {{"/data/x.so", "Input/output error", false}};
  EXPECT_THAT(verdicts(story, asking()), ElementsAre("image.readable=75"));
  story.image.unread = {{"/data", "more than 5000 extension files", true}};
  EXPECT_THAT(verdicts(story, asking()), IsEmpty()) << "an own limit is nothing itself";
}

TEST(Undecided, ANodeFileMayLeaveThingsOut) {
  auto story = healthy();
  const auto json = base::parse_json(R"({"node": {
    "driver": {"kernel_version": "570.124.06", "cuda_version": "12.8"},
    "devices": [{"name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0"}]}})");
  story.node = facts::node_from_json(*json).value();
  EXPECT_THAT(verdicts(story, asking()), IsEmpty());
  story.node.machine = Text::unknown("uname failed");
  EXPECT_THAT(verdicts(story, asking()), ElementsAre("platform=65"));
}

TEST(Undecided, MayBeAccepted) {
  auto policy = asking();
  policy.accept = {{"torch.install", "*", "another layer brings torch", ""}};
  const auto findings = run_checks(maybe_torch(), policy);
  EXPECT_EQ(judge(findings).exit_code, 0);
  EXPECT_EQ(of(findings, Severity::kAccepted).size(), 1U);
}

// All is known of it, so that nothing of a healthy start is stopped by asking.
TEST(Undecided, AHealthyStartIsDecided) {
  auto policy = asking();
  for (auto& [id, level] : policy.checks) level = Level::kFail;
  policy.gpu.required = GpuRequired::kYes;
  policy.gpu.memory = 1;
  policy.gpu.features = {"bf16", "fp8", "p2p"};
  policy.expect.python = "3.12";
  policy.expect.torch = "2.8.*";
  policy.expect.cuda = "12.8";
  policy.expect.driver = ">=535";
  EXPECT_THAT(verdicts(healthy(), policy), IsEmpty());
  auto story = healthy();
  story.node.environment->emplace("CUDA_MODULE_LOADING", "eager");
  EXPECT_THAT(verdicts(story, policy), IsEmpty()) << "the driver's default holds";
}

}  // namespace
}  // namespace gpuinit::checks
