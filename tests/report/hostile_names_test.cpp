// Every name of the facts may be a stranger's: no text of gpuinit obeys it or lets it pass for a
// line of gpuinit's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <set>

#include "checks/run_checks.h"
#include "facts/each_text.h"
#include "facts/facts_json.h"
#include "facts/sample_facts.h"
#include "report/json_text.h"
#include "report/report_text.h"
#include "support/clean_output.h"
#include "support/healthy.h"

namespace gpuinit::report {
namespace {

using test::EachText;
using test::kHostileBytes;
using test::lines_with;
using test::unclean;

void change_texts(Facts& facts, const EachText::Change& change) {
  EachText archive(change);
  facts::describe(archive, facts.image);
  facts::describe(archive, facts.node);
}

Policy demanding() {
  Policy policy;
  policy.gpu.required = GpuRequired::kYes;
  policy.torch.required = true;
  policy.gpu.count = ">=99";
  policy.expect.python = "9.9";
  policy.expect.torch = "9.9";
  policy.expect.cuda = "99.9";
  policy.expect.driver = ">=9999";
  return policy;
}

// Findings of image and node that are sound, full of everything, empty; and of such a node with a
// sick image and the other way round.
std::vector<Facts> samples() {
  const Facts healthy = test::healthy_facts();
  const Facts full = test::full_facts();
  const Facts absent = test::absent_facts();
  std::vector<Facts> all{healthy, full, absent, Facts{}};
  for (const Facts* image : {&healthy, &full, &absent})
    for (const Facts* node : {&healthy, &full, &absent})
      if (image != node) all.push_back({image->image, node->node});
  return all;
}

class HostileNames : public testing::Test {
 protected:
  void judge(const Facts& facts, const Policy& policy, const std::vector<std::size_t>& widths) {
    const auto findings = checks::run_checks(facts, policy);
    const Verdict verdict = checks::judge(findings);
    std::size_t decided = 0;
    std::size_t cures = 0;
    std::size_t reasons = 0;
    for (const Finding& finding : findings) {
      if ((finding.summary + finding.why + finding.fix).find("run evil") != std::string::npos)
        tried_.insert(finding.id);
      if (finding.severity != Severity::kFail && finding.severity != Severity::kWarn) continue;
      ++decided;
      cures += finding.fix.empty() ? 0 : 1;
      reasons += finding.why.empty() ? 0 : 1;
    }
    const Timings timings{{"total", 1.0}};
    for (const std::size_t width : widths) {
      const std::string text = report_text({verdict, findings, facts, timings, {.width = width}});
      ASSERT_EQ(unclean(text), "");
      EXPECT_EQ(lines_with(text, "gpuinit: "), decided + 1) << text;
      EXPECT_EQ(lines_with(text, "    fix: "), cures) << text;
      EXPECT_EQ(lines_with(text, "    why: "), reasons) << text;
      EXPECT_EQ(lines_with(text, "    more: "), decided) << text;
      EXPECT_EQ(lines_with(text, "gpuinit: ") + lines_with(text, "    "), lines_with(text, ""))
          << text;
    }
    if (widths.size() == 1) return;
    ASSERT_EQ(unclean(report_text({verdict, findings, facts, timings, {.verbose = true}})), "");
    const std::string json = json_text(verdict, findings, facts, timings);
    ASSERT_EQ(unclean(json), "");
    ASSERT_TRUE(base::parse_json(json).ok());
  }

  std::set<std::string> tried_;  // the checks whose texts had a hostile name
};

TEST_F(HostileNames, AllAtOnce) {
  for (const Policy& policy : {Policy{}, demanding()})
    for (Facts facts : samples()) {
      change_texts(facts, [](std::string& text) { text = kHostileBytes; });
      judge(facts, policy, {kUnbroken, 40, 100});
    }
}

// One place after the other, before and behind what stands there.
TEST_F(HostileNames, OneAtATime) {
  const Policy policy = demanding();
  for (const Facts& sample : samples()) {
    int count = 0;
    Facts copy = sample;
    change_texts(copy, [&](std::string&) { ++count; });
    for (int i = 0; i < count && !HasFatalFailure(); ++i) {
      Facts facts = sample;
      int at = 0;
      change_texts(facts, [&](std::string& text) {
        if (at++ == i) text = i % 2 == 0 ? text + kHostileBytes : kHostileBytes + text;
      });
      judge(facts, policy, {100});
    }
  }
  EXPECT_GE(tried_.size(), 20U) << testing::PrintToString(tried_);
}

// Nothing of gpuinit's own would be changed by it.
TEST_F(HostileNames, TheTextsOfChecksAreParagraphs) {
  for (const CheckInfo& check : checks::catalogue())
    for (const auto text : {check.title, check.looks_at, check.why, check.fix, check.source})
      EXPECT_EQ(text.find('\n'), text.npos) << check.id;
}

// Ten times as many names may cost at most thirty times as much.
TEST_F(HostileNames, AReportCostsNoMoreThanItsNames) {
  const auto seconds = [](std::size_t count) {
    Finding finding{"a.b", Severity::kUndecided, 0, "", {}, "", ""};
    std::vector<Finding> findings;
    for (std::size_t i = 0; i < count; ++i) {
      finding.summary = finding.reason = "name " + std::to_string(i);
      findings.push_back(finding);
    }
    findings.front().evidence.assign(count, {"gpus", "GPU", "x"});
    const Facts facts;
    const Timings timings;
    const std::clock_t start = std::clock();
    EXPECT_FALSE(report_text({{}, findings, facts, timings, {.verbose = true}}).empty());
    EXPECT_TRUE(base::parse_json(json_text({}, findings, facts, timings)).ok());
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  EXPECT_LT(seconds(20'000), 30 * std::max(seconds(2'000), 0.01));
}

}  // namespace
}  // namespace gpuinit::report
