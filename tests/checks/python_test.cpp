#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;

const std::string kInterpreter = "python.interpreter";
const std::string kAbi = "python.abi";

Facts without_python(std::vector<std::string> command, const std::string& reason) {
  Facts facts;
  facts.image.command = std::move(command);
  facts.image.interpreter = Fact<Interpreter>::absent(reason);
  return facts;
}

TEST(PythonInterpreter, PassesWhenItWasIdentified) {
  EXPECT_TRUE(says_nothing(healthy(), kInterpreter));
}

TEST(PythonInterpreter, FailsWhereTheCommandLeadsToOneThatIsNotThere) {
  auto story = without_python({"tini", "--", "python"}, "`python` is not on PATH");
  story.image.program = Fact<Program>::absent("`python` is not on PATH");
  const auto finding = only(story, kInterpreter);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_THAT(finding.summary, HasSubstr("not on PATH"));
}

TEST(PythonInterpreter, IsSkippedWhereNobodyAsksForPython) {
  for (const char* command : {"nginx", "sh", "nvidia-smi", "pythonic"}) {
    const auto finding =
        only(without_python({command}, "neither python3 nor python is on PATH"), kInterpreter);
    EXPECT_EQ(finding.severity, Severity::kSkipped) << command;
  }
  EXPECT_EQ(only(without_python({}, ""), kInterpreter).severity, Severity::kSkipped);
}

TEST(PythonInterpreter, FailsWhereThePolicyAsksForPython) {
  Policy torch;
  torch.torch.required = true;
  Policy named;
  named.python.interpreter = "/opt/conda/bin/python";
  Policy pinned;
  pinned.expect.python = "3.12";
  Policy pinned_torch;
  pinned_torch.expect.torch = "2.8";
  for (const auto& policy : {torch, named, pinned, pinned_torch})
    EXPECT_EQ(only(without_python({}, "none"), kInterpreter, policy).severity, Severity::kFail);
  // What a script that was not followed runs may well be there.
  for (const auto& policy : {torch, pinned, pinned_torch})
    EXPECT_EQ(only(without_python({"sh"}, "none"), kInterpreter, policy).severity, Severity::kWarn);
  EXPECT_EQ(only(without_python({"sh"}, "none"), kInterpreter, named).severity, Severity::kFail);
}

TEST(PythonInterpreter, UnknownIsUnknown) {
  auto story = healthy();
  story.image.interpreter = Fact<Interpreter>::unknown("the file is cut short");
  EXPECT_EQ(only(story, kInterpreter).severity, Severity::kUndecided);
  EXPECT_THAT(only(story, kInterpreter).summary, HasSubstr("cut short"));
  story = healthy();
  story.image.interpreter->version = Text::unknown("stripped");
  EXPECT_EQ(only(story, kInterpreter).severity, Severity::kUndecided);
}

TEST(PythonInterpreter, WarnsIfThePolicysInterpreterIsNotThere) {
  auto story = healthy();
  story.image.command = {"sh", "start.sh"};
  story.image.interpreter->from_command = false;
  Policy policy;
  policy.python.interpreter = "/opt/conda/bin/python";
  EXPECT_EQ(only(story, kInterpreter, policy).severity, Severity::kWarn);
  story.image.interpreter->path = "/opt/conda/bin/python";
  EXPECT_TRUE(says_nothing(story, kInterpreter, policy));
  policy.python.interpreter = "python";
  EXPECT_TRUE(says_nothing(story, kInterpreter, policy));
}

struct AbiCase {
  const char* name;
  const char* python;
  const char* torch;
  std::optional<Severity> severity;
};

TEST(PythonAbi, FollowsTheFileName) {
  const AbiCase cases[] = {
      {"same", "312", "312", std::nullopt},
      {"older torch", "312", "310", Severity::kFail},
      {"newer torch", "39", "312", Severity::kFail},
      {"free-threaded Python", "313t", "313", Severity::kFail},
      {"free-threaded torch", "313", "313t", Severity::kFail},
      {"both free-threaded", "313t", "313t", std::nullopt},
      {"a debug Python takes a release torch", "311d", "311", std::nullopt},
      {"a release Python takes no debug torch", "311", "311d", Severity::kFail},
  };
  for (const auto& test : cases) {
    const auto story = facts(python("3.12.4", test.python), torch_280(test.torch), healthy().node);
    if (!test.severity) EXPECT_TRUE(says_nothing(story, kAbi)) << test.name;
    else EXPECT_EQ(only(story, kAbi).severity, *test.severity) << test.name;
  }
}

TEST(PythonAbi, SaysTheTwoToPrograms) {
  const auto finding = only(facts(python("3.12.4", "312"), torch_280("310"), healthy().node), kAbi);
  EXPECT_EQ(finding.needs, soabi("312"));
  EXPECT_EQ(finding.has, soabi("310"));
}

TEST(PythonAbi, OneFittingExtensionAmongSeveralIsEnough) {
  auto story = healthy();
  story.image.torch->soabis = {soabi("310"), soabi("312")};
  story.image.torch->soabi = Text(soabi("310"));
  EXPECT_TRUE(says_nothing(story, kAbi));
  story.image.torch->soabis = {soabi("310"), soabi("311")};
  EXPECT_EQ(only(story, kAbi).severity, Severity::kFail);
  EXPECT_EQ(evidence(only(story, kAbi), "torch._C built for"), soabi("310") + ", " + soabi("311"));
}

TEST(PythonAbi, AnotherPlatformIsNamed) {
  auto story = healthy();
  story.node.machine = Text();  // else platform would say it
  story.image.interpreter->soabi = Text("cpython-312-aarch64-linux-gnu");
  EXPECT_THAT(only(story, kAbi).summary, HasSubstr("aarch64"));
  story.image.interpreter->machine = Text("aarch64");
  EXPECT_THAT(only(story, kAbi).summary, HasSubstr("torch was compiled for x86_64"));
}

TEST(PythonAbi, UnknownFactsFailNothing) {
  auto story = healthy();
  story.image.interpreter->soabi = Text::unknown("no sysconfig data");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kUndecided);
  story = healthy();
  story.image.torch->soabis.clear();
  story.image.torch->soabi = Text::unknown("cannot be listed");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kUndecided);
  story = healthy();
  story.image.interpreter->soabi = Text("pypy310-pp73-x86_64-linux-gnu");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kUndecided);
  story = healthy();
  story.image.torch = Fact<Torch>::unknown("why");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kUndecided);
}

TEST(PythonAbi, IsSkippedWithoutTorchOrPython) {
  auto story = healthy();
  story.image.torch = Fact<Torch>::absent();
  EXPECT_EQ(only(story, kAbi).severity, Severity::kSkipped);
  EXPECT_EQ(only(story, kAbi).summary, "no torch in the image");
  story.image.interpreter = Fact<Interpreter>::absent();
  EXPECT_EQ(only(story, kAbi).severity, Severity::kSkipped);
}

TEST(PythonAbi, AGuessedInterpreterOnlyWarns) {
  auto story = facts(python("3.12.4", "312"), torch_251(), healthy().node);
  story.image.command = {"sh", "-c", "/opt/conda/bin/python train.py"};
  story.image.interpreter->from_command = false;
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
  // No guess if the policy names it, or if there is no command at all.
  Policy policy;
  policy.python.interpreter = story.image.interpreter->path;
  EXPECT_EQ(only(story, kAbi, policy).severity, Severity::kFail);
  story.image.command.clear();
  EXPECT_EQ(only(story, kAbi).severity, Severity::kFail);
}

TEST(PythonAbi, LooksInsideAFileWhoseNameFits) {
  auto story = healthy();
  story.image.torch->missing_python_symbols =
      std::vector<std::string>{"PyUnicode_New", "_PyObject_NextNotImplemented"};
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
  story.image.torch->exports_init = false;
  EXPECT_EQ(only(story, kAbi).severity, Severity::kFail);
  EXPECT_THAT(only(story, kAbi).why, HasSubstr("PyInit__C"));
}

}  // namespace
}  // namespace gpuinit::checks
