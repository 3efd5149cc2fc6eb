// With --format json standard error has events, each one line, and nothing else; every verb has one
// document on standard output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "gpuinit/schema.h"
#include "program/gpuinit_program.h"
#include "support/schema_files.h"

namespace gpuinit::test {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Words = std::vector<std::string>;

// The events that were written; a line that is none fails the test.
std::vector<base::Json> events_in(const std::string& err) {
  std::vector<base::Json> events;
  if (!err.empty()) {
    EXPECT_EQ(err.back(), '\n') << err;
  }
  for (const auto line : base::split_lines(err)) {
    if (line.empty()) continue;
    auto json = base::parse_json(line);
    EXPECT_TRUE(json.ok()) << line;
    if (!json) continue;
    EXPECT_EQ(json->as_object()->at(0).first, "schema");
    EXPECT_EQ(json->find("schema")->as_count(), std::uint64_t{kReportSchema});
    EXPECT_EQ(schema_files().problem(*json, "report.schema.json#/$defs/event"), "") << line;
    if (json->find("event") != nullptr) events.push_back(std::move(json).value());
  }
  return events;
}

Words names_of(const std::vector<base::Json>& events) {
  Words names;
  for (const auto& event : events) names.push_back(*event.find("event")->as_string());
  return names;
}

Words json(Words words) {
  words.insert(words.begin(), {"--format", "json"});
  return words;
}

std::vector<base::Json> events_of(const Words& words, const RunOptions& options = clean()) {
  return events_in(gpuinit(json(words), options).err);
}

int exit_code_in(const base::Json& event) {
  const base::Json* code = event.find("exit_code");
  return code == nullptr ? -1 : static_cast<int>(code->as_count().value_or(0));
}

const Words kFails{"--set", "expect.python=<3"};

TEST(JsonEvents, AVerdictIsOneLine) {
  const auto events = events_of({"/bin/true"});
  EXPECT_THAT(names_of(events), ElementsAre("verdict"));
  EXPECT_NE(events.at(0).find("facts"), nullptr);
}

TEST(JsonEvents, AFailureAndEachEndHaveTheirExitCode) {
  Tree tree;
  tree.executable("no-program", std::string("\x7f"
                                            "ELF",
                                            4))
      .executable("script", "exit 3\n");
  struct Case {
    Words words;
    std::string event;
    int exit_code;
  };
  const std::vector<Case> cases{
      {{"--set", "expect.python=<3", "--set", "python.interpreter=/usr/bin/python3",
        "/usr/bin/python3"},
       "verdict",
       65},
      {{"/nonexistent"}, "error", 127},
      {{tree.at("no-program")}, "error", 126},
      {{"--set", "no.such-key=1", "/bin/true"}, "error", 78},
      {{"--no-such-option"}, "error", 64},
      {{"--check", "--node", "/nonexistent"}, "error", 64},
      {{"--check", "--", "/nonexistent"}, "error", 127},
      {{"--explain", "no.such-check"}, "error", 64},
      {{"--seal", "/proc/none/seal", "--no-run", "--", "/bin/true"}, "error", 64},
      {{"--supervise", "--set", "launch.follow=off", "/bin/sh", "-c", "exit 3"}, "postmortem", 3},
  };
  for (const auto& [words, event, exit_code] : cases) {
    const Ran ran = gpuinit(json(words));
    EXPECT_EQ(ran.exit_code, exit_code) << testing::PrintToString(words) << ran.err;
    const auto events = events_in(ran.err);
    ASSERT_FALSE(events.empty()) << testing::PrintToString(words);
    EXPECT_EQ(names_of(events).back(), event) << ran.err;
    EXPECT_EQ(exit_code_in(events.back()), exit_code) << ran.err;
  }
}

TEST(JsonEvents, AWrongCommandLineIsToldAsTheLineAsksForIt) {
  for (const Words& words :
       {Words{"--bogus", "--format", "json"}, Words{"--format=json", "--bogus"},
        Words{"--set", "x", "--format=json", "true"}})
    EXPECT_THAT(names_of(events_in(gpuinit(words).err)), ElementsAre("error"))
        << testing::PrintToString(words);
  // These options are the command's.
  for (const Words& words : {Words{"--bogus", "--", "x", "--format", "json"},
                             Words{"--bogus", "x", "y", "--format=json"}})
    EXPECT_TRUE(gpuinit(words).err.starts_with("gpuinit: unknown option --bogus"))
        << testing::PrintToString(words);
}

TEST(JsonEvents, NoticesAndStepsAreEvents) {
  EXPECT_THAT(names_of(events_of({"--check"}, clean({{"GPUINIT", "off"}}))), ElementsAre("notice"));
  EXPECT_THAT(
      names_of(events_of({"--set", "no.such-key=1", "/bin/true"}, clean({{"GPUINIT", "off"}}))),
      Each("notice"));
  const auto verbose = events_of({"--verbose", "/bin/true"});
  EXPECT_THAT(names_of(verbose), Contains("log").Times(testing::Ge(2)));
  for (const auto& event : verbose)
    if (*event.find("event")->as_string() == "log") {
      EXPECT_TRUE(event.find("ms")->as_number()) << base::print_json(event);
    }
}

TEST(JsonEvents, ASupervisedScriptOfAnotherUsersShellIsToldInOneWay) {
  Tree tree;
  tree.executable("script", "exit 3\n");  // without a #! line: a shell runs it, which is said
  for (const Words& words : {Words{tree.at("script")}, Words{"--supervise", tree.at("script")}})
    EXPECT_THAT(names_of(events_of(words)), Contains("notice")) << testing::PrintToString(words);
}

TEST(JsonEvents, QuietHasOnlyWhatFails) {
  EXPECT_THAT(events_of({"--quiet", "/bin/true"}), IsEmpty());
  const auto events =
      events_of({"--quiet", "--set", "expect.python=<3", "--set", "gpu.required=yes", "--set",
                 "checks.cuda.libcuda=warn", "/usr/bin/python3"});
  ASSERT_THAT(names_of(events), ElementsAre("verdict"));
  const auto& findings = *events[0].find("findings")->as_array();
  ASSERT_FALSE(findings.empty());
  for (const auto& finding : findings)
    EXPECT_EQ(*finding.find("severity")->as_string(), "fail") << base::print_json(finding);
}

TEST(JsonEvents, EveryVerbHasADocument) {
  Tree tree;
  for (Words words :
       {Words{"--help"}, Words{"--version"}, Words{"--explain"}, Words{"--explain", "python.abi"},
        Words{"--explain", "exit-codes"}, Words{"--print-policy"}, Words{"--facts"},
        Words{"--check"}, Words{"--seal", tree.at("seal"), "--no-run", "--", "/usr/bin/python3"}}) {
    const Ran ran = gpuinit(json(words));
    EXPECT_THAT(events_in(ran.err), IsEmpty()) << testing::PrintToString(words) << ran.err;
    const auto document = base::parse_json(ran.out);
    ASSERT_TRUE(document.ok()) << testing::PrintToString(words) << ran.out;
    ASSERT_NE(document->as_object(), nullptr) << ran.out;
    EXPECT_EQ(document->as_object()->at(0).first, "schema") << ran.out;
  }
}

// A command may have written before: the document of a seal is the last line.
TEST(JsonEvents, ASealIsOneLine) {
  Tree tree;
  const Ran ran = gpuinit(
      json({"--seal", tree.at("seal"), "--", "/usr/bin/python3", "-c", "print('the command')"}));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  const auto lines = base::split_lines(ran.out);
  ASSERT_GE(lines.size(), 2U);
  EXPECT_EQ(lines[0], "the command");
  const auto seal = base::parse_json(lines[1]);
  ASSERT_TRUE(seal.ok()) << ran.out;
  EXPECT_EQ(*seal->find("seal")->as_string(), tree.at("seal"));
  EXPECT_GT(seal->find("recorded_bytes")->as_count().value_or(0), 0U);
}

}  // namespace
}  // namespace gpuinit::test
