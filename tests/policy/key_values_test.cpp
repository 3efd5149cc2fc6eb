#include "policy/key_values.h"

#include <gtest/gtest.h>

namespace gpuinit::policy {
namespace {

using namespace std::chrono_literals;

Value text(const char* value) { return {std::string(value)}; }
Value number(std::int64_t value) { return {value}; }

TEST(Bytes, AreANumberOrANumberWithAUnit) {
  EXPECT_EQ(bytes(number(1)), 1U);
  EXPECT_EQ(bytes(text("4096")), 4096U);
  EXPECT_EQ(bytes(text("3KiB")), 3U << 10);
  EXPECT_EQ(bytes(text("512 MiB")), 512U << 20);
  EXPECT_EQ(bytes(text("4GiB")), std::uint64_t{4} << 30);
  EXPECT_EQ(bytes(text("1024TiB")), kMaxBytes);
}

TEST(Bytes, AreNeitherNothingNorMoreThanThereCanBe) {
  for (const char* wrong : {"", "GiB", "0", "0GiB", "-1", "1.5GiB", "4GB", "4G", "1025TiB",
                            "9999999999999999", "999999999999999999999999GiB", "4 4", "0x10"})
    EXPECT_FALSE(bytes(text(wrong)).has_value()) << wrong;
  EXPECT_FALSE(bytes(number(0)).has_value());
  EXPECT_FALSE(bytes(number(-4)).has_value());
  EXPECT_FALSE(bytes(number(INT64_MAX)).has_value());
  EXPECT_FALSE(bytes(Value{true}).has_value());
}

TEST(Bytes, AreWrittenInTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(toml_text(bytes_value(std::uint64_t{4} << 30)), "\"4GiB\"");
  EXPECT_EQ(toml_text(bytes_value((1U << 20) * 1536)), "\"1536MiB\"");
  EXPECT_EQ(toml_text(bytes_value(4097)), "4097");
  for (const std::uint64_t count : {1ULL, 1024ULL, 1025ULL, 1ULL << 30, (1ULL << 40) + 1024})
    EXPECT_EQ(bytes(bytes_value(count)), count);
}

TEST(Milliseconds, MayBeNoneOnlyWhereThatMeansSomething) {
  EXPECT_EQ(milliseconds(number(0), true), 0ms);
  EXPECT_EQ(milliseconds(number(0)), std::nullopt);
  EXPECT_EQ(milliseconds(Value{0.25}, true), 250ms);
  EXPECT_EQ(milliseconds(number(-1), true), std::nullopt);
  EXPECT_EQ(milliseconds(text("0"), true), std::nullopt);
}

TEST(Texts, AreModuleNames) {
  EXPECT_TRUE(texts(text("flash_attn"), ListRule::kModules));
  EXPECT_TRUE(texts({Value::Texts{"torch.nn", "_a.b1"}}, ListRule::kModules));
  EXPECT_TRUE(texts({Value::Integers{}}, ListRule::kModules)) << "an empty list";
  for (const char* wrong : {"", ".", "a.", ".a", "a..b", "1a", "a-b", "a b", "a;import os"})
    EXPECT_FALSE(texts(text(wrong), ListRule::kModules)) << wrong;
}

TEST(Texts, AreNamesOfSystemCalls) {
  EXPECT_TRUE(texts({Value::Texts{"ptrace", "pwritev2", "_llseek"}}, ListRule::kSystemCalls));
  for (const char* wrong : {"", "a-b", "mount()", "*", "open at"})
    EXPECT_FALSE(texts(text(wrong), ListRule::kSystemCalls)) << wrong;
}

TEST(WaitReasons, AreWordsOnly) {
  EXPECT_EQ(wait_reasons({Value::Texts{"busy", "no-device", "system-not-ready"}}),
            (std::vector{WaitFor::kBusy, WaitFor::kNoDevice, WaitFor::kSystemNotReady}));
  EXPECT_EQ(wait_reasons(text("busy")), (std::vector{WaitFor::kBusy}));
  EXPECT_FALSE(wait_reasons({Value::Texts{"busy", "tired"}}));
  EXPECT_FALSE(wait_reasons({Value::Integers{1}}));
}

}  // namespace
}  // namespace gpuinit::policy
