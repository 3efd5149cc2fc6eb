// The exact text that people read: a changed blank is a changed test.
#include "report/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::report {
namespace {

using testing::HasSubstr;
using testing::Not;

Facts h100_facts() {
  Facts facts;
  facts.image.interpreter = Interpreter{};
  facts.image.interpreter->version = std::string("3.12.4");
  facts.image.torch = Torch{};
  facts.image.torch->version = std::string("2.8.0+cu128");
  facts.image.torch->cuda = std::string("12.8");
  facts.node.driver.kernel_version = std::string("535.104.05");
  facts.node.driver.cuda_version = std::string("12.2");
  Device h100;
  h100.name = std::string("NVIDIA H100 80GB HBM3");
  facts.node.devices = std::vector<Device>(8, h100);
  return facts;
}

const Finding kAbi{
    "python.abi",
    Severity::kFail,
    kExitImage,
    "torch 2.5.1 is compiled for CPython 3.10, but the command runs CPython 3.12",
    {{"interpreter", "interpreter", "/usr/bin/python3.12"},
     {"its-soabi", "its SOABI", "cpython-312-x86_64-linux-gnu"},
     {"torch-c", "torch._C", "cpython-310-x86_64-linux-gnu"}},
    "CPython 3.12 loads only extension modules whose file name carries its own SOABI, so that "
    "`import torch` ends with \"No module named 'torch._C'\".",
    "Install the cp312 wheel of torch, or run the command with Python 3.10."};

const Finding kDriver{"cuda.driver",
                      Severity::kFail,
                      kExitFit,
                      "driver 470.82.01 cannot serve CUDA 12.8",
                      {},
                      "",
                      "Use a node with driver 525.60.13 or later."};

const Finding kWarning{
    "expect.torch", Severity::kWarn, kExitGood, "torch is newer than pinned", {}, "", ""};
const Finding kUndecided{"device.arch",
                         Severity::kUndecided,
                         kExitGood,
                         "the fatbins of libtorch_cuda.so could not be read",
                         {{"file", "file", "/t/libtorch_cuda.so"}},
                         "",
                         ""};
const Finding kSkip{"device.context", Severity::kSkipped, kExitGood, "no device", {}, "", ""};

std::string text_of(const Verdict& verdict, const std::vector<Finding>& findings,
                    const ReportOptions& options = {}, const Facts& facts = h100_facts()) {
  const Timings timings{{"image", 4.2}, {"node", 0.31}, {"total", 7.1}};
  return report_text({verdict, findings, facts, timings, options});
}

TEST(ReportText, AllWellIsOneLine) {
  EXPECT_EQ(text_of({}, {}),
            "gpuinit: ok: python 3.12.4, torch 2.8.0+cu128 (CUDA 12.8), driver 535.104.05 "
            "(CUDA 12.2), 8 × NVIDIA H100 80GB HBM3, 7 ms\n");
}

TEST(ReportText, SaysOnlyWhatIsKnown) {
  EXPECT_EQ(report_text({{}, {}, Facts{}, {}, {}}), "gpuinit: ok\n");
  Facts facts;
  facts.image.torch = Torch{};
  facts.node.driver.cuda_version = std::string("12.2");
  EXPECT_EQ(summary_of(facts), "driver for CUDA 12.2");
}

TEST(ReportText, SaysWhatIsKnownToBeAbsent) {
  Facts facts;
  facts.image.interpreter = Fact<Interpreter>::absent();
  facts.image.torch = Fact<Torch>::absent();
  facts.node.driver.kernel_version = Fact<std::string>::absent();
  facts.node.devices = std::vector<Device>{};
  EXPECT_EQ(summary_of(facts), "no Python, no torch, no NVIDIA driver, no GPU");
}

TEST(ReportText, SaysWhatWasJudgedInPlaceOfAnUnclearCommand) {
  Facts facts = h100_facts();
  facts.image.command = {"./start.sh"};
  facts.image.interpreter->path = "/usr/bin/python3";
  facts.image.interpreter->from_command = true;
  EXPECT_EQ(guess_of(facts.image), "");
  facts.image.interpreter->from_command = false;
  facts.image.program =
      Fact<Program>::unknown("the command was not followed past ./start.sh:12 (an `if`)");
  EXPECT_THAT(
      text_of({}, {}, {}, facts),
      HasSubstr("guessed /usr/bin/python3: not followed past ./start.sh:12 (an `if`), 7 ms\n"));
  facts.image.command.clear();
  EXPECT_EQ(guess_of(facts.image), "");
}

TEST(ReportText, NamesCpuAndRocmBuilds) {
  Facts facts;
  facts.image.torch = Torch{};
  facts.image.torch->version = std::string("2.8.0");
  EXPECT_EQ(summary_of(facts), "torch 2.8.0");
  facts.image.torch->cuda = Fact<std::string>::absent();
  facts.image.torch->hip = Fact<std::string>::absent();
  EXPECT_EQ(summary_of(facts), "torch 2.8.0 (CPU build)");
  facts.image.torch->hip = std::string("6.2");
  EXPECT_EQ(summary_of(facts), "torch 2.8.0 (ROCm 6.2)");
}

TEST(ReportText, CountsDevicesByKind) {
  Facts facts;
  Device a;
  a.name = std::string("NVIDIA A100");
  Device b;
  b.compute_capability = std::string("9.0");
  facts.node.devices = std::vector<Device>{a, b, a, Device{}};
  EXPECT_EQ(summary_of(facts), "2 × NVIDIA A100, 1 × GPU of compute capability 9.0, 1 × GPU");
}

TEST(ReportText, AFailureIsCauseEvidenceReasonAndCure) {
  EXPECT_EQ(
      text_of({Verdict::Word::kFail, kExitImage}, {kAbi}, {.width = 100}),
      R"(gpuinit: FAIL python.abi: torch 2.5.1 is compiled for CPython 3.10, but the command runs CPython
         3.12
    interpreter  /usr/bin/python3.12
    its SOABI    cpython-312-x86_64-linux-gnu
    torch._C     cpython-310-x86_64-linux-gnu
    why: CPython 3.12 loads only extension modules whose file name carries its own SOABI, so that
         `import torch` ends with "No module named 'torch._C'".
    fix: Install the cp312 wheel of torch, or run the command with Python 3.10.
    more: gpuinit --explain python.abi
gpuinit: stopped (1 failure), exit code 65: the image contradicts itself. No retry helps: rebuild
         the image
)");
}

TEST(ReportText, TheFailureThatDecidesTheExitCodeComesFirst) {
  EXPECT_EQ(
      text_of({Verdict::Word::kFail, kExitImage}, {kWarning, kDriver, kAbi}, {.width = 100}),
      R"(gpuinit: FAIL python.abi: torch 2.5.1 is compiled for CPython 3.10, but the command runs CPython
         3.12
    interpreter  /usr/bin/python3.12
    its SOABI    cpython-312-x86_64-linux-gnu
    torch._C     cpython-310-x86_64-linux-gnu
    why: CPython 3.12 loads only extension modules whose file name carries its own SOABI, so that
         `import torch` ends with "No module named 'torch._C'".
    fix: Install the cp312 wheel of torch, or run the command with Python 3.10.
    more: gpuinit --explain python.abi
gpuinit: FAIL cuda.driver: driver 470.82.01 cannot serve CUDA 12.8
    fix: Use a node with driver 525.60.13 or later.
    more: gpuinit --explain cuda.driver
gpuinit: warning expect.torch: torch is newer than pinned
    more: gpuinit --explain expect.torch
gpuinit: stopped (2 failures, 1 warning), exit code 65: the image contradicts itself. No retry
         helps: rebuild the image
)");
}

TEST(ReportText, AWarningEndsWithTheGoodLine) {
  EXPECT_EQ(text_of({Verdict::Word::kWarn, 0}, {kWarning}),
            "gpuinit: warning expect.torch: torch is newer than pinned\n"
            "    more: gpuinit --explain expect.torch\n"
            "gpuinit: ok with 1 warning: python 3.12.4, torch 2.8.0+cu128 (CUDA 12.8), driver "
            "535.104.05 (CUDA 12.2), 8 × NVIDIA H100 80GB HBM3, 7 ms\n");
}

TEST(ReportText, WhatCouldNotBeDecidedIsNamedInTheGoodLine) {
  EXPECT_EQ(text_of({}, {kUndecided, kSkip, kUndecided}, {}, Facts{}),
            "gpuinit: ok: 1 undecided: the fatbins of libtorch_cuda.so could not be read, 7 ms\n");
}

// A `.pth` that runs code, a node file that lacks a fact: many checks, one cause.
TEST(ReportText, OneCauseIsToldOnce) {
  const std::string why = "x.pth runs `import x`";
  std::vector<Finding> findings;
  for (const char* id : {"python.abi", "torch.install", "cuda.driver"}) {
    findings.push_back({id, Severity::kUndecided, 0, "torch is not known: " + why, {}, "", ""});
    findings.back().reason = why;
  }
  findings.push_back(kUndecided);
  for (const char* id : {"expect.torch", "expect.cuda"})
    findings.push_back({id, Severity::kSkipped, 0, "nothing is pinned", {}, "", ""});
  EXPECT_EQ(text_of({}, findings, {.verbose = true}, Facts{}),
            "gpuinit: undecided python.abi: torch is not known: x.pth runs `import x`\n"
            "    and: torch.install cuda.driver\n"
            "gpuinit: undecided device.arch: the fatbins of libtorch_cuda.so could not be read\n"
            "    file  /t/libtorch_cuda.so\n"
            "gpuinit: skipped expect.torch: nothing is pinned\n"
            "    and: expect.cuda\n"
            "gpuinit: time: image 4 ms, node 0.3 ms, total 7 ms\n"
            "gpuinit: ok: 4 undecided: x.pth runs `import x` and 1 other reason, 7 ms\n");
}

TEST(ReportText, VerboseTellsUndecidedSkippedAndTimes) {
  EXPECT_EQ(text_of({}, {kUndecided, kSkip}, {.verbose = true}, Facts{}),
            "gpuinit: undecided device.arch: the fatbins of libtorch_cuda.so could not be read\n"
            "    file  /t/libtorch_cuda.so\n"
            "gpuinit: skipped device.context: no device\n"
            "gpuinit: time: image 4 ms, node 0.3 ms, total 7 ms\n"
            "gpuinit: ok: 1 undecided: the fatbins of libtorch_cuda.so could not be read, 7 ms\n");
}

TEST(ReportText, QuietSpeaksOnlyWhenItFails) {
  EXPECT_EQ(text_of({}, {}, {.quiet = true}), "");
  EXPECT_EQ(text_of({Verdict::Word::kWarn, 0}, {kWarning}, {.quiet = true}), "");
  const auto text = text_of({Verdict::Word::kFail, 66}, {kDriver, kWarning}, {.quiet = true});
  EXPECT_THAT(text, HasSubstr("FAIL cuda.driver"));
  EXPECT_THAT(text, Not(HasSubstr("expect.torch")));
}

TEST(ReportText, ColourIsOnlyThereWhenAskedFor) {
  const Verdict fail{Verdict::Word::kFail, kExitFit};
  EXPECT_THAT(text_of(fail, {kDriver}), Not(HasSubstr("\033")));
  const auto text = text_of(fail, {kDriver}, {.colour = true});
  EXPECT_TRUE(text.starts_with("gpuinit: \033[1;31mFAIL\033[0m \033[1mcuda.driver\033[0m: driver "))
      << text;
}

TEST(ReportText, ColourChangesNoLineBreak) {
  const Verdict fail{Verdict::Word::kFail, kExitImage};
  auto text = text_of(fail, {kAbi}, {.colour = true, .width = 100});
  for (std::size_t at = 0; (at = text.find('\033')) != std::string::npos;)
    text.erase(at, text.find('m', at) - at + 1);
  EXPECT_EQ(text, text_of(fail, {kAbi}, {.width = 100}));
}

TEST(ReportText, EvidenceHangsUnderItsOwnColumn) {
  const Finding finding{
      "torch.install",
      Severity::kWarn,
      0,
      "s",
      {{"a", "a", "one two three four five six seven eight nine and ten"}, {"label", "label", "x"}},
      "",
      ""};
  EXPECT_THAT(text_of({Verdict::Word::kWarn, 0}, {finding}, {.width = 60}),
              HasSubstr("    a      one two three four five six seven eight nine and\n"
                        "           ten\n"
                        "    label  x\n"));
}

TEST(ReportText, EvidenceStandsUnderItsLabelWhereItDoesNotFitBesideIt) {
  const Finding finding{
      "torch.install",
      Severity::kWarn,
      0,
      "s",
      {{"k", "a label", "one two"}, {"k", "a path", "/usr/local/lib/python3.12/dist-packages"}},
      "",
      ""};
  const Verdict warn{Verdict::Word::kWarn, 0};
  EXPECT_THAT(text_of(warn, {finding}, {.width = 59}),
              HasSubstr("    a label\n        one two\n"
                        "    a path\n        /usr/local/lib/python3.12/dist-packages\n"));
  EXPECT_THAT(text_of(warn, {finding}, {.width = 60}),
              HasSubstr("    a label  one two\n"
                        "    a path   /usr/local/lib/python3.12/dist-packages\n"));
  Finding longer = finding;
  longer.evidence.back().value += "/torch-2.8.0";
  EXPECT_THAT(text_of(warn, {longer}, {.width = 60}),
              HasSubstr("    a label  one two\n"
                        "    a path\n"
                        "        /usr/local/lib/python3.12/dist-packages/torch-2.8.0\n"));
  EXPECT_THAT(text_of(warn, {longer}, {.width = 80}),
              HasSubstr("    a path   /usr/local/lib/python3.12/dist-packages/torch-2.8.0\n"));
}

TEST(ReportText, WithoutATerminalALineIsWhole) {
  Finding long_one = kAbi;
  for (int i = 0; i < 60; ++i) long_one.summary += " and more";
  const std::string text = text_of({Verdict::Word::kFail, kExitImage}, {long_one});
  EXPECT_THAT(text, testing::StartsWith("gpuinit: FAIL python.abi: " + long_one.summary + "\n"));
  EXPECT_THAT(text, HasSubstr("    why: " + kAbi.why + "\n"));
  EXPECT_THAT(text, testing::EndsWith("\ngpuinit: stopped (1 failure), exit code 65: the image "
                                      "contradicts itself. No retry helps: rebuild the image\n"));
}

TEST(ReportText, ARetryThatHelpsIsNamed) {
  EXPECT_THAT(text_of({Verdict::Word::kFail, kExitFit}, {kDriver}),
              testing::EndsWith("image and node do not fit. Retry: on another kind of node\n"));
}

TEST(ReportText, TextFromFilesCannotSteerTheTerminalOrFakeALine) {
  Facts facts = h100_facts();
  facts.image.torch->version = std::string("2\033[2J\ngpuinit: ok");
  const Finding finding{"torch.install",
                        Severity::kWarn,
                        0,
                        "bad\033]0;x\a",
                        {{"name", "na\tme", "val\nue"}},
                        "",
                        ""};
  const auto text = text_of({Verdict::Word::kWarn, 0}, {finding}, {}, facts);
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_THAT(text, Not(HasSubstr("\a")));
  EXPECT_THAT(text, HasSubstr("torch 2\\x1b[2J\\x0agpuinit: ok"));
  EXPECT_THAT(text, HasSubstr("na\\x09me"));
  EXPECT_THAT(text, Not(HasSubstr("\nue")));
}

TEST(ReportText, VerboseTellsWhatTheSandboxHeld) {
  Facts facts;
  ProbeRun run;
  run.sandbox = "seccomp";
  run.refused_calls = {"kill", "mount (3 times)"};
  run.unexpected_calls = {"kcmp"};
  facts.node.probe = run;
  EXPECT_THAT(text_of({}, {}, {.verbose = true}, facts),
              testing::HasSubstr("gpuinit: the probe's sandbox: seccomp; refused: kill, mount (3 "
                                 "times); not expected, let"));
  EXPECT_THAT(text_of({}, {}, {}, facts), testing::Not(testing::HasSubstr("sandbox")));
}

}  // namespace
}  // namespace gpuinit::report
