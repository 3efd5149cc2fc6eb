#include "base/decimal.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gpuinit::base
