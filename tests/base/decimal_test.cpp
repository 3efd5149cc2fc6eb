#include "base/decimal.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <random>
#include <string_view>

#include "base/byte_size.h"
#include "base/seconds_text.h"

namespace gpuinit::base {
namespace {

TEST(Decimal, IsRoundedToOneDigit) {
  EXPECT_EQ(one_decimal(0), "0.0");
  EXPECT_EQ(one_decimal(0.94), "0.9");
  EXPECT_EQ(one_decimal(9.96), "10.0");
  EXPECT_EQ(one_decimal(1234.5), "1234.5");
}

TEST(Decimal, ThousandthsHaveThreeDigits) {
  EXPECT_EQ(thousandths(0), "0.000");
  EXPECT_EQ(thousandths(7), "0.007");
  EXPECT_EQ(thousandths(12'034), "12.034");
}

TEST(Decimal, AmountsOfMemoryHaveTheUnitThatFits) {
  EXPECT_EQ(byte_size(4096), "4096 bytes");
  EXPECT_EQ(byte_size(64 * kMiB), "64.0 MiB");
  EXPECT_EQ(byte_size(1536 * kMiB), "1.5 GiB");
  EXPECT_EQ(byte_size(~std::uint64_t{0}), "17179869184.0 GiB");
}

TEST(Decimal, SecondsHaveAsManyDigitsAsTheyNeed) {
  using std::chrono::milliseconds;
  EXPECT_EQ(seconds_text(milliseconds(60'000)), "60 s");
  EXPECT_EQ(seconds_text(milliseconds(1'500)), "1.5 s");
  EXPECT_EQ(seconds_text(milliseconds(1)), "0.001 s");
  EXPECT_EQ(seconds_text(milliseconds(1'020)), "1.02 s");
}

// The standard library's own is the judge.
void expect_the_same(std::string_view text) {
  const char* const end = text.data() + text.size();
  double ours = -1;
  double theirs = -1;
  const auto [our_end, our_error] = parse_decimal(text.data(), end, ours);
  const auto [their_end, their_error] = std::from_chars(text.data(), end, theirs);
  EXPECT_EQ(our_end, their_end) << text;
  EXPECT_EQ(our_error, their_error) << text;
  EXPECT_EQ(std::bit_cast<std::uint64_t>(ours), std::bit_cast<std::uint64_t>(theirs)) << text;
}

TEST(Decimal, IsReadAsTheStandardLibraryReadsIt) {
  for (const char* text : {"0",
                           "-0",
                           "-0.0",
                           "0e999",
                           "1",
                           "1.5",
                           "-2.25",
                           ".5",
                           "5.",
                           "-.5",
                           "0.1",
                           "1e3",
                           "1E+3",
                           "1e-3",
                           "1e",
                           "1e+",
                           "1.5x",
                           "1e5.5",
                           "",
                           "-",
                           ".",
                           "-.e1",
                           "e1",
                           "+1",
                           " 1",
                           "x",
                           "9007199254740993",
                           "9007199254740991.5",
                           "9999999999999999999",
                           "123456789012345678901234567890",
                           "0.000000000000000000000000001",
                           "1e400",
                           "-1e400",
                           "1e-400",
                           "1e99999999999999",
                           "1e-99999999999999",
                           "0.5e-9999999999"})
    expect_the_same(text);
}

TEST(Decimal, EveryDoubleThatIsWrittenShortlyComesBack) {
  std::mt19937_64 random(17);
  std::array<char, 40> text{};
  for (int i = 0; i < 200'000; ++i) {
    // From 2^-33 to 2^33: sizes, seconds, milliseconds.
    const std::uint64_t exponent = 1023 - 33 + random() % 66;
    const auto value = std::bit_cast<double>((random() >> 12) | exponent << 52);
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    expect_the_same({text.data(), end});
  }
}

TEST(Decimal, FarFromEverydayOnlyTheLastBitsDiffer) {
  std::mt19937_64 random(17);
  std::array<char, 40> text{};
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random() & ~(std::uint64_t{1} << 63));
    if (!std::isnormal(value)) continue;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    double ours = 0;
    if (parse_decimal(text.data(), end, ours).ec != std::errc{}) continue;  // the very last ones
    EXPECT_LT(std::abs(ours / value - 1), 1e-13) << std::string_view(text.data(), end);
  }
}

}  // namespace
}  // namespace gpuinit::base
