#include "report/report_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "facts/facts_json.h"
#include "facts/sample_facts.h"
#include "report/json_text.h"

namespace gpuinit::report {
namespace {

const std::vector<Finding> kFindings{
    {"python.abi",
     Severity::kFail,
     kExitImage,
     "two ABIs",
     {{"interpreter", "interpreter", "cpython-312-x86_64-linux-gnu"},
      {"torch-c", "torch._C", "cpython-310-x86_64-linux-gnu"}},
     "CPython loads no other",
     "install the cp312 wheel"},
    {"cuda.driver", Severity::kWarn, kExitGood, "s", {}, "w", "f"},
    {"device.arch", Severity::kUndecided, kExitGood, "u", {}, "", ""},
    {"device.context", Severity::kSkipped, kExitGood, "k", {}, "", ""},
};

constexpr CheckInfo check(std::string_view id) {
  return {.id = id, .exit_codes = "", .title = "", .looks_at = "", .why = "", .fix = ""};
}
constexpr std::array<CheckInfo, 4> kChecks{
    {check("python.abi"), check("cuda.driver"), check("libc.version"), check("device.arch")}};

base::Json parsed(const std::string& text) {
  auto json = base::parse_json(text);
  EXPECT_TRUE(json.ok()) << text;
  return json.ok() ? *json : base::Json();
}

TEST(ReportJson, HasTheContractedShape) {
  const auto text = json_text({Verdict::Word::kFail, 65}, kFindings, {},
                              {{"image", 3.14159}, {"total", 7}}, kChecks);
  EXPECT_TRUE(text.starts_with(R"({
  "gpuinit": ")" GPUINIT_VERSION R"(",
  "verdict": "fail",
  "exit_code": 65,
  "policy": {
    "sources": [
      "--set"
    ],
    "locked_by": null
  },
  "checks": [
    {
      "id": "python.abi",
      "level": "fail",
      "result": "fail"
    },
    {
      "id": "cuda.driver",
      "level": "fail",
      "result": "warn"
    },
    {
      "id": "libc.version",
      "level": "fail",
      "result": "passed"
    },
    {
      "id": "device.arch",
      "level": "fail",
      "result": "undecided"
    }
  ],
  "findings": [
    {
      "id": "python.abi",
      "severity": "fail",
      "exit_code": 65,
      "summary": "two ABIs",
      "about": [],
      "evidence": [
        {
          "key": "interpreter",
          "label": "interpreter",
          "value": "cpython-312-x86_64-linux-gnu"
        },
        {
          "key": "torch-c",
          "label": "torch._C",
          "value": "cpython-310-x86_64-linux-gnu"
        }
      ],
      "why": "CPython loads no other",
      "fix": "install the cp312 wheel"
    },
)")) << text;
  EXPECT_TRUE(text.ends_with(R"(
  "timings_ms": {
    "image": 3.142,
    "total": 7.0
  }
})")) << text;
}

TEST(ReportJson, NamesEverySeverityAndVerdict) {
  const auto json = parsed(json_text({Verdict::Word::kWarn, 0}, kFindings, {}, {}));
  std::vector<std::string> words;
  for (const auto& finding : *json.find("findings")->as_array())
    words.push_back(*finding.find("severity")->as_string());
  EXPECT_THAT(words, testing::ElementsAre("fail", "warn", "undecided", "skipped"));
  EXPECT_EQ(*json.find("verdict")->as_string(), "warn");
  EXPECT_EQ(word_of(Verdict::Word::kPass), "pass");
}

TEST(ReportJson, NothingFoundIsAnEmptyArrayNotNull) {
  const auto json = parsed(json_text({}, {}, {}, {}));
  ASSERT_NE(json.find("findings")->as_array(), nullptr);
  EXPECT_TRUE(json.find("findings")->as_array()->empty());
  ASSERT_NE(json.find("timings_ms")->as_object(), nullptr);
}

TEST(ReportJson, EqualKeysOfEvidenceAreAllKeptInTheirOrder) {
  const std::vector<Finding> findings{
      {"device.arch",
       Severity::kFail,
       66,
       "s",
       {{"gpus", "GPU 0", "a"}, {"gpus", "GPU 1", "b"}, {"gpus", "GPU 1", "c"}},
       "",
       ""}};
  const auto json = parsed(json_text({Verdict::Word::kFail, 66}, findings, {}, {}));
  std::vector<std::string> values;
  for (const auto& line : *json.find("findings")->as_array()->front().find("evidence")->as_array())
    values.push_back(*line.find("value")->as_string());
  EXPECT_THAT(values, testing::ElementsAre("a", "b", "c"));
}

// A check that was switched off did not pass, and of several findings the worst counts.
TEST(ReportJson, EveryCheckHasAResult) {
  Policy policy;
  policy.checks = {{"a", Level::kOff}, {"b", Level::kWarn}};
  constexpr std::array<CheckInfo, 3> checks{{check("a"), check("b"), check("c")}};
  const std::vector<Finding> findings{{"b", Severity::kSkipped, 0, "s", {}, "", ""},
                                      {"b", Severity::kWarn, 0, "s", {}, "", ""}};
  const Verdict verdict;
  const Facts facts;
  const base::Json json = report_json({.verdict = verdict,
                                       .findings = findings,
                                       .facts = facts,
                                       .timings = {},
                                       .policy = policy,
                                       .checks = checks});
  EXPECT_EQ(base::print_json_line(*json.find("checks")),
            R"([{"id":"a","level":"off","result":"off"},)"
            R"({"id":"b","level":"warn","result":"warn"},)"
            R"({"id":"c","level":"fail","result":"passed"}])");
}

TEST(ReportJson, QuietHasTheFindingsThatFail) {
  const auto json =
      parsed(json_text({Verdict::Word::kFail, 65}, kFindings, {}, {}, {}, /*quiet=*/true));
  const auto& findings = *json.find("findings")->as_array();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(*findings[0].find("id")->as_string(), "python.abi");
}

// One rule: the class that a check has in mind counts where it fails.
TEST(ReportJson, OnlyAFailureHasAnExitCode) {
  for (const auto severity : {Severity::kWarn, Severity::kUndecided, Severity::kSkipped}) {
    const std::vector<Finding> findings{{"cuda.driver", severity, kExitFit, "s", {}, "", ""}};
    const auto json = parsed(json_text({}, findings, {}, {}));
    EXPECT_EQ(json.find("findings")->as_array()->front().find("exit_code")->as_count(), 0U);
  }
}

TEST(ReportJson, ItsFactsCanBeReadBack) {
  const auto facts = test::full_facts();
  auto back = facts::facts_from_json(parsed(json_text({}, kFindings, facts, {{"total", 1}})));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, facts);
}

TEST(ReportJson, WhatHasTheCauseOfAnotherNamesIt) {
  std::vector<Finding> findings = kFindings;
  findings[2].reason = "x.pth runs `import x`";
  findings.push_back(findings[2]);
  findings.back().id = "cuda.require";
  const auto json = parsed(json_text({}, findings, {}, {}));
  const auto& list = *json.find("findings")->as_array();
  EXPECT_EQ(*list.back().find("because")->as_string(), "device.arch");
  for (std::size_t i = 0; i + 1 < list.size(); ++i) EXPECT_EQ(list[i].find("because"), nullptr);
}

TEST(ReportJson, BrokenTextInAFindingStillGivesJson) {
  const std::vector<Finding> findings{
      {"torch.install", Severity::kWarn, 0, "a\xff\x01", {{"a", "\xc3", "\"\n"}}, "", ""}};
  const auto json = parsed(json_text({}, findings, {}, {}));
  EXPECT_EQ(*json.find("findings")->as_array()->front().find("summary")->as_string(),
            "a\xef\xbf\xbd\x01");
}

}  // namespace
}  // namespace gpuinit::report
