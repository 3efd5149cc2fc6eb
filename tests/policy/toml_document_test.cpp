#include "policy/toml_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::policy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// With what follows a mistake, too: none of it may hang or crash.
bool takes(std::string_view text) {
  const bool taken = parse_toml(text).problems.empty();
  EXPECT_EQ(taken, is_toml(text)) << text.substr(0, 100);
  return taken;
}

std::string name_of(const TomlEntry& entry) { return dotted(entry.path, entry.path.size()); }

TEST(TomlDocument, ListsValuesInTheOrderOfTheTextWithTheirPlaces) {
  const auto document = parse_toml("z = 1\n[b]\n  y = true # note\na.x = \"t\"\n");
  ASSERT_THAT(document.problems, IsEmpty());
  ASSERT_EQ(document.entries.size(), 3U);
  EXPECT_EQ(name_of(document.entries[0]), "z");
  EXPECT_EQ(std::get<std::int64_t>(document.entries[0].value.value), 1);
  EXPECT_EQ(name_of(document.entries[1]), "b.y");
  EXPECT_EQ(std::get<bool>(document.entries[1].value.value), true);
  EXPECT_EQ(document.entries[1].path[0].at, (Position{2, 2}));
  EXPECT_EQ(document.entries[1].path[1].at, (Position{3, 3}));
  EXPECT_EQ(document.entries[1].value_at, (Position{3, 7}));
  EXPECT_EQ(name_of(document.entries[2]), "b.a.x");
  EXPECT_EQ(std::get<std::string>(document.entries[2].value.value), "t");
  EXPECT_EQ(document.entries[2].path[2].at, (Position{4, 3}));
}

TEST(TomlDocument, KeepsUnusedKindsByName) {
  const auto document = parse_toml("a = [1]\nb = {}\nc = 2026-01-31\nd = 1.5\n[e]\n");
  ASSERT_THAT(document.problems, IsEmpty());
  ASSERT_EQ(document.entries.size(), 5U);
  const char* kinds[] = {"an array", "a table", "a date or time", "the number 1.5", "a table"};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(describe(document.entries[i].value), kinds[i]);
}

TEST(TomlDocument, TablesInArraysAreWhole) {
  const auto document = parse_toml("[[a]]\nb = 2026-01-31\nc = 1\n[[a]]\nd = 10:00:00\n");
  ASSERT_EQ(document.entries.size(), 1U);
  EXPECT_EQ(name_of(document.entries[0]), "a");
  const auto& items = *document.entries[0].value.as_array();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(*items[0].find("b")->as_string(), "2026-01-31");
  EXPECT_EQ(toml_text(items[0]), "{b = \"2026-01-31\", c = 1}");
  EXPECT_TRUE(items[1].find("d")->is_null());
}

TEST(TomlDocument, SyntaxErrorsHaveAPlace) {
  const auto document = parse_toml("a = 1\nb = \"x\n");
  ASSERT_EQ(document.problems.size(), 1U);
  EXPECT_EQ(document.problems[0].at.line, 2U);
  EXPECT_EQ(document.problems[0].at.column, 5U);
}

TEST(TomlDocument, InvalidUtf8HasAPlace) {
  const auto document = parse_toml("a = 1\nb = \"\xff\"\n");
  ASSERT_EQ(document.problems.size(), 1U);
  EXPECT_EQ(document.problems[0].at, (Position{2, 6}));
}

TEST(TomlDocument, WindowsLineEndsAndByteOrderMarkAreFine) {
  const auto document = parse_toml(
      "\xef\xbb\xbf"
      "a = 1\r\nb = 2\r\n");
  ASSERT_THAT(document.problems, IsEmpty());
  EXPECT_EQ(document.entries.size(), 2U);
}

// toml++ 3.3 and 3.4 have undefined behaviour here; with UBSan this test would abort.
TEST(TomlDocument, LettersBeyondAsciiWhereWhiteSpaceCouldBeAreRefused) {
  for (const char* text : {"\xc3\xa4 = 1", "a\xc2\xa7 = 1", "a = 1 \xd2\x8f", "a = [\xc3\xa4]",
                           "[a\xc3\xa4]", "\xc3\xa4"})
    EXPECT_FALSE(takes(text)) << text;
  EXPECT_TRUE(takes("s = \"\"\"\\\n\xc2\xa7\"\"\""));
  EXPECT_TRUE(takes("\"\xc3\xa4\" = '\xc3\xa4' # \xc3\xa4"));
}

// An assertion of toml++ 3.3 and 3.4 does not hold here.
TEST(TomlDocument, BracketsAndCommasInPlaceOfAValueAreRefused) {
  for (const char* text :
       {"a = }", "a = [1,}]", "a = ,", "a = ]", "a = {b=}", "a = {b=,}", "a = [[}]"})
    EXPECT_FALSE(takes(text)) << text;
}

// Whole-process bounds: a stack overflow or a minute's wait would show here.
TEST(TomlDocument, DepthIsBounded) {
  std::string dots = "a";
  for (int i = 0; i < 100'000; ++i) dots += ".a";
  EXPECT_THAT(parse_toml("\n" + dots + " = 1").problems[0].message, HasSubstr("dots in one line"));
  EXPECT_EQ(parse_toml("\n" + dots + " = 1").problems[0].at.line, 2U);
  EXPECT_FALSE(takes("[" + dots + "]"));
  EXPECT_FALSE(takes("a = " + std::string(100'000, '[')));
  std::string tables = "a = ";
  for (int i = 0; i < 10'000; ++i) tables += "{a=";
  EXPECT_FALSE(takes(tables));
}

TEST(TomlDocument, DotsInCommentsDoNotCount) {
  EXPECT_TRUE(takes("  # " + std::string(500, '.') + "\na = 1\n"));
}

TEST(TomlDocument, SizeIsBounded) {
  const std::string most(kMaxTomlBytes, '\n');
  EXPECT_TRUE(takes(most));
  EXPECT_THAT(parse_toml(most + "\n").problems[0].message, HasSubstr("larger than"));
}

}  // namespace
}  // namespace gpuinit::policy
