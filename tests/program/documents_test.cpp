// The documents, the examples and the shipped policies are held to the program. What is missing
// is printed as the line to paste.
#include "program/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "base/json.h"
#include "base/text.h"
#include "gpuinit/exit_codes.h"
#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t kReadmeLines = 170;

std::string replaced(std::string text, const std::string& old, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += with.size())
    text.replace(at, old.size(), with);
  return text;
}

// Neither part of a longer word nor of a longer option.
bool has_word(const std::string& text, const std::string& word) {
  const auto belongs = [](char c) { return c == '-' || c == '_' || std::isalnum(c) != 0; };
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !belongs(text[at - 1])) && (end == text.size() || !belongs(text[end])))
      return true;
  }
  return false;
}

// From `begin` up to the next `end`.
std::string part(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  EXPECT_NE(from, std::string::npos) << begin;
  if (from == std::string::npos) return "";
  const std::size_t start = from + begin.size();
  return text.substr(start, text.find(end, start) - start);
}

// The rows of the table in that section of README are these, without their order.
void expect_rows(const std::string& heading, const std::vector<std::string>& rows) {
  std::set<std::string> surplus;
  std::istringstream lines(part(content("README.md"), "\n" + heading + "\n", "\n## "));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("| `") || (line.starts_with("| ") && std::isdigit(line[2]) != 0))
      surplus.insert(line);
  for (const std::string& row : rows)
    if (surplus.erase(row) == 0)
      ADD_FAILURE() << "README.md, " << heading << ", lacks this line:\n" << row;
  for (const std::string& row : surplus) ADD_FAILURE() << "README.md has a line too much:\n" << row;
}

std::string text_of(const base::Json& object, const char* key) {
  const base::Json* found = object.find(key);
  return found != nullptr && found->as_string() != nullptr ? *found->as_string() : "";
}

TEST(Documents, ReadmeFitsInItsLines) {
  const std::string readme = content("README.md");
  EXPECT_LE(static_cast<std::size_t>(std::count(readme.begin(), readme.end(), '\n')), kReadmeLines);
}

TEST(Documents, ReadmeHasTheTableOfChecks) {
  const auto checks = base::parse_json(gpuinit({"--explain", "--format", "json"}).out);
  ASSERT_TRUE(checks.ok());
  std::vector<std::string> rows;
  for (const auto& check : *checks->find("checks")->as_array())
    rows.push_back("| `" + text_of(check, "id") + "` | " + text_of(check, "title") + " | " +
                   text_of(check, "exit_codes") + " |");
  ASSERT_GE(rows.size(), 34U);
  expect_rows("## Checks", rows);
}

TEST(Documents, ReadmeHasTheTableOfExitCodes) {
  std::vector<std::string> rows;
  for (const auto& info : kExitCodes) {
    const std::string code = info.code == kExitSignalBase ? "128+n" : std::to_string(info.code);
    std::string meaning(info.meaning);
    if (meaning.starts_with(code + ": ")) meaning.erase(0, code.size() + 2);
    rows.push_back("| " + code + " | " + meaning + " | " + std::string(info.retry) + " |");
  }
  expect_rows("## Exit codes", rows);
}

TEST(Documents, ManPageHasEveryExitCode) {
  const std::string status = part(content("docs/gpuinit.1"), ".SH EXIT STATUS", "\n.SH");
  for (const auto& info : kExitCodes) {
    const std::string line =
        info.code == kExitSignalBase ? ".BI 128+ n" : ".B " + std::to_string(info.code);
    EXPECT_TRUE(contains(status, "\n" + line + "\n"))
        << "docs/gpuinit.1, EXIT STATUS, lacks these lines:\n.TP\n"
        << line << "\n"
        << info.meaning;
  }
}

TEST(Documents, ManPageHasEveryOptionAndVerb) {
  const std::string man =
      replaced(part(content("docs/gpuinit.1"), ".SH OPTIONS", "\n.SH"), "\\-", "-");
  for (const auto& [option, text] : options())
    EXPECT_TRUE(has_word(man, option)) << "docs/gpuinit.1, OPTIONS, lacks these lines:\n.TP\n.B "
                                       << replaced(option, "-", "\\-") << "\n"
                                       << text;
}

TEST(Documents, CompletionsHaveEveryOptionAndVerb) {
  const std::string bash = part(content("docs/completion/gpuinit.bash"), "local options='", "'");
  const std::string zsh = content("docs/completion/_gpuinit");
  const std::string fish = content("docs/completion/gpuinit.fish");
  for (const auto& [option, text] : options()) {
    const std::string quoted = replaced(text, "'", "'\\''");
    EXPECT_TRUE(has_word(bash, option)) << "gpuinit.bash lacks this among `options`:\n" << option;
    EXPECT_TRUE(contains(zsh, option + "[") || contains(zsh, "{" + option + ","))
        << "_gpuinit lacks this line:\n  '" << option << "[" << quoted << "]' \\";
    EXPECT_TRUE(has_word(fish, "-l " + option.substr(2)))
        << "gpuinit.fish lacks this line:\ncomplete -c gpuinit -l " << option.substr(2) << " -d '"
        << quoted << "'";
  }
}

TEST(Documents, UsageHasTheHelp) {
  EXPECT_THAT(content("docs/usage.md"), HasSubstr("```text\n" + gpuinit({"--help"}).out + "```\n"));
}

TEST(Documents, ShippedPoliciesLoadAndPrintThemselves) {
  for (const auto& file : std::filesystem::directory_iterator(GPUINIT_POLICIES)) {
    const Ran ran = gpuinit({"--policy", file.path(), "--print-policy"});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr(file.path().filename().string() + ":"));
  }
}

TEST(Documents, ABadRangeIsRefusedWithItsPlace) {
  Tree tree;
  tree.file("p.toml", "version = 1\n[expect]\ntorch = \"banana\"\n");
  const Ran ran = gpuinit({"--policy", tree.at("p.toml"), "true"});
  EXPECT_EQ(ran.exit_code, 78);
  EXPECT_THAT(ran.err, HasSubstr("p.toml:3:"));
  EXPECT_THAT(ran.err, HasSubstr("banana"));
}

// What the rules of job.yaml do with an exit code of the init container: "FailJob", "Ignore".
std::map<int, std::string> failure_policy(const std::string& container) {
  std::map<int, std::string> actions;
  std::string action;
  std::string named;
  std::istringstream lines(content("docker/kubernetes/job.yaml"));
  for (std::string line; std::getline(lines, line);) {
    const auto value = [&line](const std::string& key) {
      const auto at = line.find(key + ": ");
      const bool comment = line.find('#') < at;
      return at == std::string::npos || comment ? "" : line.substr(at + key.size() + 2);
    };
    if (!value("action").empty()) action = value("action"), named.clear();
    if (!value("containerName").empty()) named = value("containerName");
    if (!value("operator").empty()) {
      EXPECT_EQ(value("operator"), "In");
    }
    const std::string values = value("values");
    if (values.empty() || named != container) continue;
    std::istringstream codes(values.substr(1));
    int last = 0;  // In is not allowed with 0, and Kubernetes wants the values in order
    for (int code = 0; codes >> code; codes.ignore(1)) {
      EXPECT_GT(code, last) << line;
      last = code;
      EXPECT_TRUE(actions.emplace(code, action).second) << code << " is in two rules";
    }
  }
  return actions;
}

// A Job must fail at once for what no retry helps, and not count what only needs time.
TEST(Documents, TheJobsFailurePolicyIsTheTableOfExitCodes) {
  const std::map<std::string_view, std::string> by_retry{
      {"fix the command line", "FailJob"},
      {"never: rebuild the image", "FailJob"},
      {"on another kind of node", "FailJob"},
      {"fix the policy", "FailJob"},
      {"never: fix the image", "FailJob"},
      {"never: fix the command", "FailJob"},
      {"yes, later", "Ignore"},
      // Counted by backoffLimit, which is what happens without a rule.
      {"on another node", ""},
      {"in a new container, with the device allowed", ""},
      {"report it", ""},
      {"as the command's owner sees fit", ""},
      {"-", ""},
  };
  std::map<int, std::string> expected;
  for (const auto& info : kExitCodes) {
    ASSERT_TRUE(by_retry.contains(info.retry)) << "what shall a Job do with: " << info.retry;
    if (!by_retry.at(info.retry).empty()) expected[info.code] = by_retry.at(info.retry);
  }
  EXPECT_EQ(failure_policy("check"), expected);
  // In the main container a code may be the command's own.
  EXPECT_EQ(failure_policy("main"), (std::map<int, std::string>{{kExitNotExecutable, "FailJob"},
                                                                {kExitNotFound, "FailJob"}}));
}

TEST(Documents, TheKubernetesExamplesLeaveGpuinitTimeToSayWhomItKilled) {
  for (const char* name : {"pod.yaml", "job.yaml"}) {
    const std::string text = content(std::string("docker/kubernetes/") + name);
    const auto number_after = [&text](const std::string& key) {
      const auto at = text.find(key);
      return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + key.size());
    };
    const int grace = number_after("value: \"launch.grace=");
    EXPECT_GT(grace, 0) << name;
    EXPECT_LT(grace, number_after("terminationGracePeriodSeconds: ")) << name;
    EXPECT_THAT(text, HasSubstr("name: GPUINIT_SET\n")) << name;
    const Ran ran = gpuinit({"--print-policy"},
                            clean({{"GPUINIT_SET", "launch.grace=" + std::to_string(grace)}}));
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
  }
}

}  // namespace
}  // namespace gpuinit::test
