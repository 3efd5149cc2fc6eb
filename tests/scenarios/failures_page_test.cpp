// The table of docs/failures.md is written from the scenarios. After a change:
//   GPUINIT_WRITE_FAILURES=1 build/release/tests/scenarios/scenario_test
//   --gtest_filter='FailuresPage.*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "scenarios/scenario.h"

namespace gpuinit::test {
namespace {

constexpr char kPage[] = GPUINIT_SOURCE "/docs/failures.md";
constexpr char kReadme[] = GPUINIT_SOURCE "/README.md";
constexpr char kBegin[] = "<!-- written from tests/scenarios -->\n";
constexpr char kEnd[] = "<!-- end -->\n";

std::string replaced(std::string text, const std::string& old, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += with.size())
    text.replace(at, old.size(), with);
  return text;
}

std::string in_a_cell(const std::string& text) { return replaced(text, "|", "\\|"); }

std::string as_code(const std::string& text) {
  const bool has_backtick = text.find('`') != std::string::npos;
  return has_backtick ? "`` " + text + " ``" : "`" + text + "`";
}

// "`loader.missing`, 65: a library that …"
std::string answer(const Scenario& scenario) {
  if (scenario.not_before_start) return "nothing: " + scenario.reason;
  const std::size_t colon = scenario.says.find(": ");
  if (scenario.fail.empty() && scenario.warn.empty()) return "nothing, and starts the command";
  const std::string code = scenario.fail.empty() ? "warning" : std::to_string(scenario.exit_code);
  return "`" + scenario.says.substr(0, colon) + "`, " + code + scenario.says.substr(colon);
}

struct Table {
  std::string known;  // "38 of 40"
  std::string text;
};

Table table() {
  std::map<std::string, std::set<int>> seen_by;
  std::set<int> all;
  std::string rows;
  for (const auto& file : scenario_files()) {
    const Scenario scenario = read_scenario(file);
    if (all.insert(scenario.number).second) seen_by[scenario.seen_by].insert(scenario.number);
    rows += "| " + std::to_string(scenario.number) + " | " + in_a_cell(scenario.title) + " | " +
            in_a_cell(as_code(scenario.today.front())) + " | " + in_a_cell(answer(scenario)) +
            " |\n";
  }
  const auto count = [&](const char* by) { return std::to_string(seen_by[by].size()); };
  const std::string known =
      std::to_string(all.size() - seen_by["nobody"].size()) + " of " + std::to_string(all.size());
  return {known, known + " are known before the command starts: " + count("files") +
                     " from the image's files, " + count("node") +
                     " with what the node's files and the environment say, " + count("driver") +
                     " by asking the driver.\n\n"
                     "| | failure | what you see today | what gpuinit says |\n|---|---|---|---|\n" +
                     rows};
}

std::string content(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(FailuresPage, HasTheTableOfTheScenarios) {
  const std::string page = content(kPage);
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t from = begin + sizeof kBegin - 1;
  if (std::getenv("GPUINIT_WRITE_FAILURES") != nullptr)
    std::ofstream(kPage) << page.substr(0, from) << table().text << page.substr(end);
  else EXPECT_EQ(page.substr(from, end - from), table().text);
}

TEST(FailuresPage, IsCountedInReadme) {
  EXPECT_NE(content(kReadme).find(table().known), std::string::npos) << table().known;
}

}  // namespace
}  // namespace gpuinit::test
