// The documents, the examples and the shipped policies are held to the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "base/text.h"
#include "gpuinit/check_ids.h"
#include "gpuinit/exit_codes.h"
#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

std::string content(const std::string& path) {
  std::ifstream file(std::string(GPUINIT_SOURCE) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The long options that --help names.
std::vector<std::string> options() {
  std::vector<std::string> found;
  const Ran help = gpuinit({"--help"});
  for (const auto word : base::split_words(help.out)) {
    std::string option(word.substr(0, word.find_last_not_of(",])") + 1));
    if (option.starts_with("--") && option.size() > 2 && option.find('.') == std::string::npos)
      found.push_back(option);
  }
  return found;
}

TEST(Documents, ManPageAndCompletionsKnowEveryOption) {
  ASSERT_GE(options().size(), 13U);
  const std::string man = content("docs/gpuinit.1");
  for (const auto& option : options()) {
    std::string in_man = option;
    for (std::size_t at = 0; (at = in_man.find('-', at)) != std::string::npos; at += 2)
      in_man.replace(at, 1, "\\-");
    EXPECT_TRUE(man.find(option) != std::string::npos || man.find(in_man) != std::string::npos ||
                man.find(option.substr(2)) != std::string::npos)
        << option;
    for (const char* shell : {"gpuinit.bash", "_gpuinit", "gpuinit.fish"})
      EXPECT_THAT(content(std::string("docs/completion/") + shell), HasSubstr(option.substr(2)));
  }
}

TEST(Documents, ReadmeNamesEveryCheckAndExitCode) {
  const std::string readme = content("README.md");
  for (const auto id : kCheckIds) EXPECT_THAT(readme, HasSubstr("`" + std::string(id) + "`"));
  for (const auto& code : kExitCodes) EXPECT_THAT(readme, HasSubstr(std::to_string(code.code)));
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
