#include "rules/version.h"

#include <gtest/gtest.h>

#include <ostream>

namespace gpuinit::rules {
namespace {

Version version(std::string_view text) {
  auto parsed = parse_version(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : Version{{0}, ""};
}

TEST(Version, KeepsTheNumbersAndTheRestApart) {
  EXPECT_EQ(version("535.104.05").numbers, (std::vector<unsigned>{535, 104, 5}));
  EXPECT_EQ(version("v1.2").text(), "1.2");
  EXPECT_EQ(version("2.8.0+cu128").text(), "2.8.0");
  EXPECT_EQ(version("2.8.0+cu128").rest, "+cu128");
  EXPECT_EQ(version("2.9.0a0+145a3a7").rest, "a0+145a3a7");
  EXPECT_EQ(version("3.13.rc1").rest, ".rc1");
  EXPECT_EQ(version("12.").text(), "12");
  EXPECT_EQ(version(" 12.8\n").text(), "12.8");
}

TEST(Version, ComparesNumberByNumber) {
  EXPECT_EQ(version("12.8"), version("12.8.0"));
  EXPECT_LT(version("535.54.03"), version("535.104.05"));
  EXPECT_LT(version("9.2"), version("10.0"));
  EXPECT_GT(version("525.60.13.1"), version("525.60.13"));
  EXPECT_EQ(version("2.8.0+cu128"), version("2.8.0+cpu"));
}

TEST(Version, RefusesWhatIsNone) {
  for (const char* text :
       {"", " ", "v", "abc", "-1", ".5", "99999999999", "1.99999999999", "1.2.3.4.5.6.7.8.9"})
    EXPECT_FALSE(parse_version(text).ok()) << text;
  EXPECT_FALSE(parse_version(std::string(100'000, '1')).ok());
}

struct RangeCase {
  const char* range;
  const char* inside;
  const char* outside;
};

// Names the case in test lists; without it gtest prints pointers.
void PrintTo(const RangeCase& c, std::ostream* out) {
  *out << c.range << " holds " << c.inside << " and not " << c.outside;
}

class Range : public testing::TestWithParam<RangeCase> {};

TEST_P(Range, Contains) {
  const auto range = parse_version_range(GetParam().range);
  ASSERT_TRUE(range.ok()) << range.error().message;
  EXPECT_TRUE(range->contains(version(GetParam().inside)));
  EXPECT_FALSE(range->contains(version(GetParam().outside)));
}

INSTANTIATE_TEST_SUITE_P(
    Versions, Range,
    testing::Values(RangeCase{">=3.10,<3.13", "3.12.4", "3.13.0"},
                    RangeCase{">=3.10,<3.13", "3.10", "3.9.18"},
                    RangeCase{"2.8.*", "2.8.1", "2.9.0"}, RangeCase{"12.8", "12.8.90", "12.9"},
                    RangeCase{"12", "12.4", "13.0"}, RangeCase{"==12.8", "12.8.1", "12.81"},
                    RangeCase{"==2.*", "2.9", "3.0"},
                    RangeCase{"!=535.54.03", "535.104", "535.54.3"},
                    RangeCase{"!=2.7.*", "2.8", "2.7.1"}, RangeCase{"~=3.11", "3.13", "3.10"},
                    RangeCase{"~=3.11", "3.11", "4.0"}, RangeCase{"~=2.8.1", "2.8.4", "2.9.0"},
                    RangeCase{" >= 580 , < 600 ", "595.45", "600"}, RangeCase{">8", "9", "8"},
                    RangeCase{"<=8", "8", "9"}, RangeCase{"4", "4", "8"}));

TEST(VersionRange, EmptyMatchesEverything) {
  EXPECT_TRUE(parse_version_range("")->contains(version("1")));
  EXPECT_TRUE(parse_version_range(" ")->contains(version("1")));
}

TEST(VersionRange, SaysWhichPartIsNoRange) {
  for (const char* text : {"abc", ">=", ">=3.10,", ",", "3.10 3.11", "===3", ">=2.8.*", "~=3",
                           "2.8.0rc1", "2.8.0+cu128", "*", "latest", "=>3", "v3"}) {
    const auto range = parse_version_range(text);
    ASSERT_FALSE(range.ok()) << text;
    EXPECT_NE(range.error().message.find("is not a version range"), std::string::npos);
    EXPECT_NE(range.error().message.find(">=3.10,<3.13"), std::string::npos);
  }
  EXPECT_NE(parse_version_range(">=3.9,abc").error().message.find("\"abc\""), std::string::npos);
  std::string many = "1";
  for (int i = 0; i < 100; ++i) many += ",1";
  EXPECT_FALSE(parse_version_range(many).ok());
}

TEST(IsWithin, EveryVersionOfTheOneIsInTheOther) {
  const std::pair<const char*, const char*> within[] = {
      {"2.8.1", "2.8"},       {"2.8", ""},          {">=580", ">=570.26"}, {"12.8", ">=12,<13"},
      {">=3.10,<3.13", ">3"}, {"~=3.11", ">=3,<4"}, {"~=3.11.2", "3.11"},  {"<=2.8", "<2.8.1"},
      {"2", "!=3"},           {">4", "!=3.*"},      {">2,<1", "5"},        {"==3.12", "!=3.11,>=3"},
      {">=3,<4", "3"},        {"3.12.*", "~=3.12"}, {">=1.0", ">=1"},      {"!=3,>2.5", "!=3.1"},
  };
  const std::pair<const char*, const char*> not_within[] = {
      {"2.8", "2.8.1"}, {"", "2.8"},         {">=570", ">=570.26"}, {"12", ">=12.1"},
      {"4", "<=4"},     {"~=3.11", "3.11"},  {"<2.8.1", "<=2.8"},   {"!=3", "!=3,!=4"},
      {">=3,<=4", "3"}, {"<3", ">=0.1"},     {">=3", "3"},          {">2.8.0.0.0.0.0.0", ">=2.8.1"},
      {"!=3.1", "!=3"}, {">3.11", ">=3.12"},
  };
  const auto is = [](const auto& pair) {
    return is_within(*parse_version_range(pair.first), *parse_version_range(pair.second));
  };
  for (const auto& pair : within) EXPECT_TRUE(is(pair)) << pair.first << " in " << pair.second;
  for (const auto& pair : not_within) EXPECT_FALSE(is(pair)) << pair.first << " in " << pair.second;
}

}  // namespace
}  // namespace gpuinit::rules
