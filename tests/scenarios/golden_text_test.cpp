// What people read, whole: ten failures on terminals of 60, 80 and 120 columns and without one, as
// kept in tests/report/golden. After a change:
//   GPUINIT_WRITE_GOLDEN=1 build/release/tests/scenarios/scenario_test
//   --gtest_filter='GoldenText.*' docs/images/make.py
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>

#include "base/text.h"
#include "scenarios/judged.h"

namespace gpuinit::test {
namespace {

constexpr char kGolden[] = GPUINIT_SOURCE "/tests/report/golden/";

constexpr const char* kScenarios[] = {"01-no-kernel-image",
                                      "04-driver-too-old",
                                      "06-libcuda-of-another-driver",
                                      "12-started-without-gpus",
                                      "17-nvjitlink-shadowed",
                                      "18-cudnn-missing",
                                      "19-extension-for-another-torch",
                                      "21-torch-of-another-python",
                                      "25-shm-64-mib",
                                      "30-visible-devices-of-the-host"};

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Code points, as a terminal counts them.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

class GoldenText : public testing::TestWithParam<const char*> {};

TEST_P(GoldenText, IsAsKept) {
  const std::string name = GetParam();
  const Scenario scenario = read_scenario(GPUINIT_SCENARIOS "/" + name + ".toml");
  const std::regex time(R"(, [0-9.]+ m?s\n$)");
  const auto expect = [&](const std::string& kind, const std::string& said) {
    const std::string text = std::regex_replace(said, time, ", 7 ms\n");
    const std::string path = kGolden + name + "." + kind + ".txt";
    if (std::getenv("GPUINIT_WRITE_GOLDEN") != nullptr) std::ofstream(path) << text;
    else EXPECT_EQ(text, content(path)) << path;
    return text;
  };
  const std::string piped = expect("piped", judged(scenario.faulty).text_lines);
  for (const unsigned short width : std::initializer_list<unsigned short>{60, 80, 120}) {
    const std::string text =
        expect(std::to_string(width), text_on_terminal(scenario.faulty, width));
    // The words are the same, only the lines are others.
    EXPECT_EQ(base::split_words(text), base::split_words(piped)) << width;
    for (const auto line : base::split_lines(text)) {
      const bool is_one_word = base::split_words(line).size() == 1;
      const bool is_good_line = line.starts_with("gpuinit: ok");
      EXPECT_TRUE(columns(line) <= width || is_one_word || is_good_line) << width << ": " << line;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenText, testing::ValuesIn(kScenarios), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace gpuinit::test
