// README's table of real failures is written from the scenarios. After a change:
//   GPUINIT_WRITE_README=1 build/release/tests/scenarios/scenario_test --gtest_filter='Readme.*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "scenarios/scenario.h"

namespace gpuinit::test {
namespace {

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

std::string table() {
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
  return std::to_string(all.size() - seen_by["nobody"].size()) + " of " +
         std::to_string(all.size()) + " are known before the command starts: " + count("files") +
         " from the image's files, " + count("node") +
         " with what the node's files and the environment say, " + count("driver") +
         " by asking the driver.\n\n"
         "| | failure | what you see today | what gpuinit says |\n|---|---|---|---|\n" +
         rows;
}

TEST(Readme, HasTheTableOfTheScenarios) {
  std::ifstream file(kReadme);
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = readme.find(kBegin);
  const std::size_t end = readme.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t from = begin + sizeof kBegin - 1;
  if (std::getenv("GPUINIT_WRITE_README") != nullptr)
    std::ofstream(kReadme) << readme.substr(0, from) << table() << readme.substr(end);
  else EXPECT_EQ(readme.substr(from, end - from), table());
}

}  // namespace
}  // namespace gpuinit::test
