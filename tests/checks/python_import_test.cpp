#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kImport = "python.import";
const std::string kDisagrees = "probe.disagrees";
const Text kNone = Text::absent();

// torch for 3.12 in 3.10.
Facts another_python() {
  return facts(python("3.10.14", "310"), torch_280(), node("570.124.06", "12.8", {h100()}));
}

Facts asked(Facts facts = healthy()) {
  facts.image.python_probe = agreeing(*facts.image.interpreter, *facts.image.torch);
  return facts;
}

PythonImport failing(const std::string& name, const std::string& error,
                     const std::string& message) {
  PythonImport import;
  import.name = name;
  import.error = error;
  import.message = message;
  import.traceback =
      "Traceback (most recent call last):\n  File \"/s/x.py\", line 3, in <module>\n" + error +
      ": " + message;
  return import;
}

Facts with_import(PythonImport import, Facts facts = asked()) {
  facts.image.python_probe->imports.push_back(std::move(import));
  return facts;
}

Facts torch_fails(const std::string& error, const std::string& message, Facts facts = asked()) {
  facts.image.python_probe->imports = {failing("torch", error, message)};
  facts.image.python_probe->torch = Fact<PythonTorch>::unknown("import torch ended");
  return facts;
}

Facts ended(ProbeRun::Outcome outcome, const std::string& detail, const std::string& step) {
  Facts facts = asked();
  facts.image.python_probe->imports.clear();
  facts.image.python_probe->run.outcome = outcome;
  facts.image.python_probe->run.detail = detail;
  facts.image.python_probe->run.last_step = step;
  return facts;
}

// --- python.import ---------------------------------------------------------

TEST(PythonImport, PassesWhenEverythingCouldBeImported) {
  EXPECT_TRUE(says_nothing(asked(), kImport));
}

TEST(PythonImport, DoesNotApplyWhereNobodyAsked) {
  EXPECT_EQ(only(healthy(), kImport).severity, Severity::kSkipped);
  Policy policy;
  policy.python.probe = PythonProbe::kImport;
  EXPECT_EQ(only(healthy(), kImport, policy).severity, Severity::kUndecided);
  auto environment = asked();
  environment.image.python_probe->mode = "environment";
  environment.image.python_probe->imports.clear();
  EXPECT_EQ(only(environment, kImport).severity, Severity::kSkipped);
}

TEST(PythonImport, ImportsThatNothingTriesAreTold) {
  Policy policy;
  policy.python.imports = {"torchvision"};
  const auto finding = only(healthy(), "python.import", policy);
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_THAT(finding.fix, testing::HasSubstr("python.probe = \"import\""));
  policy.python.imports.clear();
  EXPECT_EQ(only(healthy(), "python.import", policy).severity, Severity::kSkipped);
}

TEST(PythonImport, FailsWithTheExceptionAndItsTraceback) {
  const auto finding =
      only(with_import(failing("flash_attn", "ImportError",
                               "libcudart.so.11.0: cannot open shared object file\nsecond line")),
           kImport);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_EQ(finding.summary,
            "import flash_attn fails: ImportError: libcudart.so.11.0: cannot open shared object "
            "file");
  EXPECT_EQ(evidence(finding, "traceback"), "Traceback (most recent call last):");
  EXPECT_THAT(finding.evidence, testing::Contains(seen("", StartsWith("ImportError: "))));
  EXPECT_THAT(finding.fix, HasSubstr("python.imports"));
}

TEST(PythonImport, NamesTheFirstOfSeveralAndTheOthersAsEvidence) {
  auto facts = with_import(failing("a", "KeyError", "'x'"));
  facts.image.python_probe->imports.push_back(failing("b", "OSError", ""));
  const auto finding = only(facts, kImport);
  EXPECT_THAT(finding.summary, StartsWith("import a fails"));
  EXPECT_EQ(evidence(finding, "fail too"), "b (OSError)");
}

TEST(PythonImport, SaysThatTheInterpreterItselfWasAskedAndWhy) {
  auto facts = with_import(failing("a", "KeyError", "'x'"));
  facts.image.python_probe->way = "interpreter";
  facts.image.python_probe->because = "there is no libpython3.12.so.1.0 below /usr/local";
  EXPECT_EQ(evidence(only(facts, kImport), "asked"),
            "the interpreter itself: there is no libpython3.12.so.1.0 below /usr/local");
}

// One cause, one failure.
TEST(PythonImport, IsSkippedWhereTheFilesHaveSaidIt) {
  auto facts =
      torch_fails("ModuleNotFoundError", "No module named 'torch._C'", asked(another_python()));
  EXPECT_THAT(verdicts(facts, usual()), ElementsAre("python.abi=65"));
  EXPECT_EQ(only(facts, kImport).severity, Severity::kSkipped);
}

TEST(PythonImport, AnExtensionOfTheFilesExplainsItsOwnPackageOnly) {
  auto facts = asked();
  Extension extension;
  extension.path =
      "/usr/local/lib/python3.12/site-packages/flash_attn/_C.cpython-310-x86_64-linux-gnu.so";
  extension.package = "flash_attn";
  extension.asked_for = true;
  extension.soabi = Text(soabi("310"));
  extension.machine = Text("x86_64");
  extension.init_function = Text("PyInit__C");
  facts.image.extensions = std::vector<Extension>{extension};
  ASSERT_THAT(verdicts(facts, usual()), ElementsAre("extension.abi=65"));

  EXPECT_THAT(
      verdicts(with_import(failing("flash_attn.layers", "ImportError", "x"), facts), usual()),
      ElementsAre("extension.abi=65"));
  EXPECT_THAT(verdicts(with_import(failing("vllm", "ImportError", "x"), facts), usual()),
              ElementsAre("extension.abi=65", "python.import=65"));
}

TEST(PythonImport, DecidesNothingWhereItAsksForAGpuThatIsNotThere) {
  for (const char* message :
       {"libcuda.so.1: cannot open shared object file: No such file or directory",
        "Found no NVIDIA driver on your system.", "No CUDA GPUs are available",
        "0 active drivers ([]). There should only be one."}) {
    auto facts = with_import(failing("flash_attn", "RuntimeError", message));
    facts.node = no_gpu_machine();
    Policy build;
    build.gpu.required = GpuRequired::kNo;
    EXPECT_EQ(only(facts, kImport, build).severity, Severity::kUndecided) << message;
    EXPECT_THAT(verdicts(facts, build), IsEmpty()) << message;
  }
}

TEST(PythonImport, FailsForTheSameMessageWhereAGpuIsThere) {
  const auto finding = only(
      with_import(failing("flash_attn", "OSError", "libcuda.so: cannot open shared object file")),
      kImport);
  EXPECT_EQ(finding.severity, Severity::kFail);
}

TEST(PythonImport, FailsForAnImportThatCrashes) {
  const auto finding = only(ended(ProbeRun::Outcome::kCrashed,
                                  "ended by SIGSEGV in import flash_attn", "import flash_attn"),
                            kImport);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_THAT(finding.summary, AllOf(HasSubstr("import flash_attn"), HasSubstr("SIGSEGV")));
}

TEST(PythonImport, FailsForAnImportThatEndsTheProcess) {
  EXPECT_EQ(
      only(ended(ProbeRun::Outcome::kExited, "exit status 3 in import a", "import a"), kImport)
          .severity,
      Severity::kFail);
}

TEST(PythonImport, WarnsOfAnImportThatIsEndedFromOutside) {
  for (const auto& [outcome, detail] :
       {std::pair{ProbeRun::Outcome::kTimedOut, "no whole answer within 60 s; it was in import a"},
        std::pair{ProbeRun::Outcome::kCrashed, "ended by SIGKILL in import a"}})
    EXPECT_EQ(only(ended(outcome, detail, "import a"), kImport).severity, Severity::kWarn);
}

TEST(PythonImport, DecidesNothingWhereTheProbeItselfFailed) {
  EXPECT_EQ(only(ended(ProbeRun::Outcome::kNotStarted, "fork: Try again", ""), kImport).severity,
            Severity::kUndecided);
  EXPECT_EQ(
      only(ended(ProbeRun::Outcome::kGarbled, "no JSON object", "import a"), kImport).severity,
      Severity::kUndecided);
  EXPECT_EQ(
      only(ended(ProbeRun::Outcome::kCrashed, "ended by SIGSEGV in torch: config", "torch: config"),
           kImport)
          .severity,
      Severity::kUndecided);
}

TEST(PythonImport, OnAGuessedInterpreterItOnlyWarns) {
  auto facts = with_import(failing("a", "KeyError", "'x'"));
  facts.image.interpreter->from_command = false;
  EXPECT_EQ(only(facts, kImport).severity, Severity::kWarn);
}

// --- probe.disagrees -------------------------------------------------------

TEST(ProbeDisagrees, SaysNothingWhereBothAgree) {
  EXPECT_TRUE(says_nothing(asked(), kDisagrees));
  EXPECT_EQ(only(healthy(), kDisagrees).severity, Severity::kSkipped);
}

TEST(ProbeDisagrees, IsAWarningByDefault) {
  auto facts = asked();
  facts.image.python_probe->soabi = Text(soabi("311"));
  EXPECT_THAT(verdicts(facts, usual()), ElementsAre("~" + kDisagrees));
  EXPECT_THAT(verdicts(facts), ElementsAre(kDisagrees + "=65"));
}

TEST(ProbeDisagrees, NamesEachDifferenceWithBothSides) {
  auto facts = asked();
  auto& probe = facts.image.python_probe.value();
  probe.version = Text("3.11.9");
  probe.prefix = Text("/opt/venv");
  const auto finding = only(facts, kDisagrees);
  EXPECT_THAT(finding.summary, HasSubstr("version, sys.prefix"));
  EXPECT_EQ(evidence(finding, "version"), "3.12.4 by the files, 3.11.9 by the interpreter");
  EXPECT_EQ(evidence(finding, "sys.prefix"),
            "/usr/local by the files, /opt/venv by the interpreter");
}

TEST(ProbeDisagrees, AVersionWithoutItsMicroVersionIsNoOther) {
  auto facts = asked();
  facts.image.interpreter->version = Text("3.12");
  EXPECT_TRUE(says_nothing(facts, kDisagrees));
  facts.image.interpreter->version = Text("3.1");
  EXPECT_EQ(only(facts, kDisagrees).severity, Severity::kFail);
}

TEST(ProbeDisagrees, AnotherTorchIsOneDifferenceAndNotFour) {
  auto facts = asked();
  auto& probe = facts.image.python_probe.value();
  probe.torch_origin = Text("/opt/lib/torch/__init__.py");
  probe.torch->version = Text("2.5.1");
  probe.torch->cuda = kNone;
  const auto finding = only(facts, kDisagrees);
  EXPECT_THAT(finding.summary, testing::EndsWith("differ in torch"));
  EXPECT_EQ(evidence(finding, "torch"),
            "/usr/local/lib/python3.12/site-packages/torch by the files, /opt/lib/torch by the "
            "interpreter");
}

TEST(ProbeDisagrees, ATorchThatOnlyOneOfThemFinds) {
  auto unseen = asked();
  unseen.image.torch = Fact<Torch>::absent("nothing is called torch");
  EXPECT_THAT(evidence(only(unseen, kDisagrees), "torch"), StartsWith("none by the files, /usr"));
  auto unfound = asked();
  unfound.image.python_probe->torch_origin = kNone;
  unfound.image.python_probe->imports.clear();
  unfound.image.python_probe->torch = Fact<PythonTorch>::unknown("none");
  EXPECT_THAT(evidence(only(unfound, kDisagrees), "torch"),
              testing::EndsWith("none by the interpreter"));
}

TEST(ProbeDisagrees, WhatTorchSaysOfItself) {
  const auto differs = [](auto change) {
    auto facts = asked();
    change(facts.image.python_probe->torch.value());
    return only(facts, kDisagrees).summary;
  };
  EXPECT_THAT(differs([](PythonTorch& torch) { torch.version = Text("2.8.1"); }),
              HasSubstr("torch.__version__"));
  EXPECT_THAT(differs([](PythonTorch& torch) { torch.cuda = kNone; }),
              HasSubstr("torch.version.cuda"));
  EXPECT_THAT(differs([](PythonTorch& torch) { torch.hip = Text("6.2"); }),
              HasSubstr("torch.version.hip"));
  EXPECT_THAT(differs([](PythonTorch& torch) { torch.arch_list->pop_back(); }),
              HasSubstr("architectures"));
}

TEST(ProbeDisagrees, TheOrderOfArchitecturesDoesNotMatter) {
  auto facts = asked();
  auto& list = facts.image.python_probe->torch->arch_list.value();
  std::reverse(list.begin(), list.end());
  EXPECT_TRUE(says_nothing(facts, kDisagrees));
}

TEST(ProbeDisagrees, AnImportThatWorksAgainstACheckOfTheFiles) {
  auto facts = asked(another_python());
  facts.image.python_probe->soabi = facts.image.interpreter->soabi;
  EXPECT_THAT(evidence(only(facts, kDisagrees), "import torch"),
              HasSubstr("fails (python.abi) by the files, works by the interpreter"));
}

TEST(ProbeDisagrees, DecidesNothingWithoutAnAnswer) {
  auto facts = ended(ProbeRun::Outcome::kNotStarted, "fork: Try again", "");
  facts.image.python_probe->version = Text::unknown("no answer");
  EXPECT_EQ(only(facts, kDisagrees).severity, Severity::kUndecided);
}

}  // namespace
}  // namespace gpuinit::checks
