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

// Everything that moves the cursor, ends a line, has no width or turns the text around.
TEST(Text, PrintableShowsWhatNobodySees) {
  for (const char* unseen :
       {"\xc2\x80", "\xc2\x9f", "\xc2\xad", "\u061c", "\u180e", "\u200b", "\u200d", "\u200f",
        "\u2028", "\u2029", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069", "\ufeff", "\ufff9"}) {
    std::string escaped;
    for (const unsigned char c : std::string(unseen)) {
      char hex[5];
      std::snprintf(hex, sizeof hex, "\\x%02x", c);
      escaped += hex;
    }
    EXPECT_EQ(printable("a" + std::string(unseen) + "b"), "a" + escaped + "b");
    EXPECT_EQ(printable(printable(unseen)), escaped) << "twice is once";
  }
  for (const char* seen : {"\u00a0", "\u2010", "\u2027", "\u202f", "\u3042", "\U0001F600"})
    EXPECT_EQ(printable(seen), seen);
  for (const char* malformed : {"\xed\xa0\x80", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                                "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x80", "\x80"})
    EXPECT_THAT(printable(malformed), testing::StartsWith("\\x"));
}

TEST(Text, NearestIsATypingErrorAway) {
  const std::vector<std::string> keys{"timeout", "context", "required"};
  EXPECT_EQ(nearest("timout", keys), "timeout");
  EXPECT_EQ(nearest("requried", keys), "required");
  EXPECT_EQ(nearest("banana", keys), "");
}

}  // namespace
}  // namespace gpuinit::base
