#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, Splits) {
  EXPECT_THAT(split("a::b", ':'), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ':'), ElementsAre(""));
  EXPECT_THAT(split_words("  a\tb \n"), ElementsAre("a", "b"));
  EXPECT_THAT(split_words(" \n"), IsEmpty());
  EXPECT_THAT(split_lines("a\r\nb\n"), ElementsAre("a", "b"));
  EXPECT_THAT(split_lines(""), IsEmpty());
  EXPECT_THAT(split_lines("\n"), ElementsAre(""));
}

TEST(Text, Trims) {
  EXPECT_EQ(trim(" a b\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
}

TEST(Text, NumbersAreDigitsOnly) {
  EXPECT_EQ(parse_number("120"), 120U);
  EXPECT_EQ(parse_number("7ffd", 16), 0x7ffdU);
  EXPECT_EQ(parse_number("0100002", 8), 0100002U);
  EXPECT_EQ(parse_number("8", 8), std::nullopt);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"})
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
}

TEST(Text, PrintableHidesWhatTerminalsActOn) {
  EXPECT_EQ(printable("a\x1b[31m\n"), "a\\x1b[31m\\x0a");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(printable("\xc3(\xff\xc0\x80"), "\\xc3(\\xff\\xc0\\x80");
  EXPECT_EQ(printable("\xc2\x9b"
                      "1m"),
            "\\xc2\\x9b"
            "1m");  // C1 control sequence introducer
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(Text, NearestIsATypingErrorAway) {
  const std::vector<std::string> keys{"timeout", "context", "required"};
  EXPECT_EQ(nearest("timout", keys), "timeout");
  EXPECT_EQ(nearest("requried", keys), "required");
  EXPECT_EQ(nearest("banana", keys), "");
}

}  // namespace
}  // namespace gpuinit::base
