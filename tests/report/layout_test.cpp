#include "report/layout.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/unique_fd.h"

namespace gpuinit::report {
namespace {

TEST(Layout, WrapsBeforeTheWidthAndHangs) {
  EXPECT_EQ(wrapped("why: ", "one two three four", 5, 14), "why: one two\n     three\n     four\n");
}

TEST(Layout, AWordThatFitsExactlyStays) {
  EXPECT_EQ(wrapped("", "aaaa bbbbb", 0, 10), "aaaa bbbbb\n");
  EXPECT_EQ(wrapped("", "aaaa bbbbbb", 0, 10), "aaaa\nbbbbbb\n");
}

TEST(Layout, LongWordsStayWhole) {
  EXPECT_EQ(wrapped("", "a /very/long/path b", 2, 8), "a\n  /very/long/path\n  b\n");
}

TEST(Layout, ALongWordBehindALongStartGetsALineOfItsOwn) {
  EXPECT_EQ(wrapped("one two: ", "/very/long a", 2, 12), "one two:\n  /very/long\n  a\n");
  EXPECT_EQ(wrapped("a: ", "/very/long", 3, 8), "a: /very/long\n") << "that would win nothing";
}

TEST(Layout, ATextEndsNoLine) {
  EXPECT_EQ(wrapped("fix: ", "this\nfix: that", 5, 80), "fix: this\\x0afix: that\n");
}

TEST(Layout, NoTextLeavesTheStartAlone) { EXPECT_EQ(wrapped("a: ", "", 4, 80), "a:\n"); }

TEST(Layout, WhatATerminalWouldObeyBecomesVisible) {
  EXPECT_EQ(wrapped("", "a\033[2Jb \xff", 0, 80), "a\\x1b[2Jb \\xff\n");
}

TEST(Layout, ColourTakesNoColumns) {
  const std::string start = coloured("FAIL", Colour::kRed, true) + " ";
  EXPECT_EQ(wrapped(start, "aaa bbb", 0, 12), start + "aaa bbb\n");
}

TEST(Layout, CountsCodePointsNotBytes) {
  EXPECT_EQ(columns("Grün→"), 5U);
  EXPECT_EQ(padded("ü", 3), "ü  ");
  EXPECT_EQ(padded("long", 3), "long");
}

TEST(Layout, UnbrokenIsOneLine) {
  const std::string words(3000, 'x');
  EXPECT_EQ(wrapped("why: ", "a  " + words + " b", 5, kUnbroken), "why: a " + words + " b\n");
}

// A pseudo-terminal, so that the answer does not depend on where tests run.
class OnATerminal : public testing::Test {
 protected:
  OnATerminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    ::grantpt(master_.get());
    ::unlockpt(master_.get());
    char name[100];
    if (::ptsname_r(master_.get(), name, sizeof name) == 0)
      terminal_.reset(::open(name, O_RDWR | O_NOCTTY));
  }
  base::UniqueFd master_;
  base::UniqueFd terminal_;
};

TEST_F(OnATerminal, ATerminalHasAWidth) {
  ASSERT_TRUE(terminal_.valid());
  EXPECT_EQ(terminal_width(terminal_.get()), 80U) << "it does not say";
  for (const auto& [columns, width] : {std::pair<unsigned short, std::size_t>{132, 132}, {7, 40}}) {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ASSERT_EQ(::ioctl(master_.get(), TIOCSWINSZ, &size), 0);
    EXPECT_EQ(terminal_width(terminal_.get()), width);
  }
  const base::UniqueFd file(::open("/dev/null", O_WRONLY));
  EXPECT_EQ(terminal_width(file.get()), kUnbroken);
  EXPECT_EQ(terminal_width(-1), kUnbroken);
}

TEST_F(OnATerminal, ATerminalGetsColour) {
  ASSERT_TRUE(terminal_.valid());
  EXPECT_TRUE(should_colour(terminal_.get(), {{"TERM", "xterm"}}));
  EXPECT_TRUE(should_colour(terminal_.get(), {}));
}

TEST_F(OnATerminal, NoColorAndADumbTerminalGetNone) {
  ASSERT_TRUE(terminal_.valid());
  EXPECT_FALSE(should_colour(terminal_.get(), {{"NO_COLOR", "1"}}));
  EXPECT_FALSE(should_colour(terminal_.get(), {{"TERM", "dumb"}}));
}

TEST_F(OnATerminal, AnEmptyNoColorCountsAsUnset) {
  ASSERT_TRUE(terminal_.valid());
  EXPECT_TRUE(should_colour(terminal_.get(), {{"NO_COLOR", ""}}));
}

TEST_F(OnATerminal, AFileGetsNone) {
  base::UniqueFd file(::open("/dev/null", O_WRONLY));
  EXPECT_FALSE(should_colour(file.get(), {}));
  EXPECT_FALSE(should_colour(-1, {}));
}

}  // namespace
}  // namespace gpuinit::report
