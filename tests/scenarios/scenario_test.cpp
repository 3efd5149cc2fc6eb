// Real failures: each is named, alone, with the right exit code and sentence; and the same
// image and node without the fault are passed over in silence.
#include "scenarios/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "checks/run_checks.h"
#include "gpuinit/exit_codes.h"
#include "scenarios/judged.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

std::string class_of(int exit_code) {
  for (const auto& info : kExitCodes)
    if (info.code == exit_code) return std::string(info.name);
  return "";
}

// "17_nvjitlink_shadowed"
std::string test_name(const std::filesystem::path& file) {
  std::string name = file.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class ScenarioTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ScenarioTest, WithoutTheFaultIsSilent) {
  const Scenario scenario = read_scenario(GetParam());
  const Judged healthy = judged(scenario.healthy);
  EXPECT_THAT(healthy.fail, IsEmpty()) << healthy.text_lines;
  EXPECT_THAT(healthy.warn, IsEmpty()) << healthy.text_lines;
  EXPECT_EQ(healthy.exit_code, 0);
}

TEST_P(ScenarioTest, IsNamed) {
  const Scenario scenario = read_scenario(GetParam());
  const Judged faulty = judged(scenario.faulty);
  EXPECT_THAT(faulty.fail, UnorderedElementsAreArray(scenario.fail)) << faulty.text_lines;
  EXPECT_THAT(faulty.warn, UnorderedElementsAreArray(scenario.warn)) << faulty.text_lines;
  EXPECT_EQ(faulty.exit_code, scenario.exit_code) << faulty.text_lines;
  EXPECT_EQ(class_of(faulty.exit_code), scenario.exit_class);
  if (!scenario.not_before_start) {
    EXPECT_THAT(faulty.text, HasSubstr(scenario.says)) << faulty.text_lines;
  }
}

// A scenario that says nothing would pass.
TEST_P(ScenarioTest, IsWhole) {
  const Scenario scenario = read_scenario(GetParam());
  EXPECT_EQ(std::to_string(scenario.number),
            scenario.file_name.substr(scenario.file_name[0] == '0' ? 1 : 0,
                                      scenario.file_name[0] == '0' ? 1 : 2));
  EXPECT_FALSE(scenario.title.empty());
  EXPECT_THAT(scenario.today, testing::Not(IsEmpty()));
  EXPECT_THAT(scenario.sources, testing::Not(IsEmpty()));
  EXPECT_FALSE(scenario.cause.empty());
  EXPECT_THAT((std::set<std::string>{"files", "node", "driver", "nobody"}),
              testing::Contains(scenario.seen_by));
  EXPECT_EQ(scenario.not_before_start, scenario.seen_by == "nobody");
  EXPECT_EQ(scenario.not_before_start, scenario.says.empty());
  EXPECT_EQ(scenario.not_before_start, !scenario.reason.empty());
  for (const auto* ids : {&scenario.fail, &scenario.warn})
    for (const auto& id : *ids)
      EXPECT_TRUE(std::ranges::any_of(checks::catalogue(), [&](const auto& check) {
        return check.id == id;
      })) << id;
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioTest, testing::ValuesIn(scenario_files()),
                         [](const auto& it) { return test_name(it.param); });

// How many are named before the command runs, and which are not.
TEST(Scenarios, AllSeventyAreThereAndAtLeast64AreNamedBeforeTheStart) {
  std::map<int, bool> named;
  std::string others;
  for (const auto& file : scenario_files()) {
    const Scenario scenario = read_scenario(file);
    named[scenario.number] = !scenario.not_before_start;
    if (scenario.not_before_start)
      others += "  " + std::to_string(scenario.number) + ": " + scenario.reason + "\n";
  }
  for (int number = 1; number <= 70; ++number) EXPECT_TRUE(named.contains(number)) << number;
  const auto count =
      std::count_if(named.begin(), named.end(), [](const auto& one) { return one.second; });
  EXPECT_GE(count, 64);
  std::printf("named before the start: %d of %zu; not named:\n%s", static_cast<int>(count),
              named.size(), others.c_str());
}

}  // namespace
}  // namespace gpuinit::test
