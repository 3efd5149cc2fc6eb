#include "policy/codecs.h"

#include <gtest/gtest.h>

#include <optional>

namespace gpuinit::policy {
namespace {

using namespace std::chrono_literals;

// nullopt if the codec refuses the value.
template <class T>
std::optional<T> parse(const Codec<T>& codec, const Value& value) {
  const auto parsed = codec.parse(value, {});
  return parsed ? std::optional(*parsed) : std::nullopt;
}

Value text(const char* value) { return {std::string(value)}; }
Value number(std::int64_t value) { return {value}; }

TEST(Bytes, AreANumberOrANumberWithAUnit) {
  EXPECT_EQ(parse(kBytes, number(1)), 1U);
  EXPECT_EQ(parse(kBytes, text("4096")), 4096U);
  EXPECT_EQ(parse(kBytes, text("3KiB")), 3U << 10);
  EXPECT_EQ(parse(kBytes, text("512 MiB")), 512U << 20);
  EXPECT_EQ(parse(kBytes, text("4GiB")), std::uint64_t{4} << 30);
  EXPECT_EQ(parse(kBytes, text("1024TiB")), kMaxBytes);
}

TEST(Bytes, AreNeitherNothingNorMoreThanThereCanBe) {
  for (const char* wrong : {"", "GiB", "0", "0GiB", "-1", "1.5GiB", "4GB", "4G", "1025TiB",
                            "9999999999999999", "999999999999999999999999GiB", "4 4", "0x10"})
    EXPECT_FALSE(parse(kBytes, text(wrong)).has_value()) << wrong;
  EXPECT_FALSE(parse(kBytes, number(0)).has_value());
  EXPECT_FALSE(parse(kBytes, number(-4)).has_value());
  EXPECT_FALSE(parse(kBytes, number(INT64_MAX)).has_value());
  EXPECT_FALSE(parse(kBytes, Value{true}).has_value());
}

TEST(Bytes, AreWrittenInTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(toml_text(kBytes.print(std::uint64_t{4} << 30)), "\"4GiB\"");
  EXPECT_EQ(toml_text(kBytes.print((1U << 20) * 1536)), "\"1536MiB\"");
  EXPECT_EQ(toml_text(kBytes.print(4097)), "4097");
  for (const std::uint64_t count : {1ULL, 1024ULL, 1025ULL, 1ULL << 30, (1ULL << 40) + 1024})
    EXPECT_EQ(parse(kBytes, kBytes.print(count)), count);
}

TEST(Milliseconds, MayBeNoneOnlyWhereThatMeansSomething) {
  EXPECT_EQ(parse(kSecondsOrZero, number(0)), 0ms);
  EXPECT_EQ(parse(kSeconds, number(0)), std::nullopt);
  EXPECT_EQ(parse(kSecondsOrZero, Value{0.25}), 250ms);
  EXPECT_EQ(parse(kSecondsOrZero, number(-1)), std::nullopt);
  EXPECT_EQ(parse(kSecondsOrZero, text("0")), std::nullopt);
}

TEST(Texts, AreModuleNames) {
  EXPECT_TRUE(parse(kModules, text("flash_attn")));
  EXPECT_TRUE(parse(kModules, {base::JsonArray{"torch.nn", "_a.b1"}}));
  EXPECT_TRUE(parse(kModules, {base::JsonArray{}})) << "an empty list";
  for (const char* wrong : {"", ".", "a.", ".a", "a..b", "1a", "a-b", "a b", "a;import os"})
    EXPECT_FALSE(parse(kModules, text(wrong))) << wrong;
}

TEST(Texts, AreNamesOfSystemCalls) {
  EXPECT_TRUE(parse(kSystemCalls, {base::JsonArray{"ptrace", "pwritev2", "_llseek"}}));
  for (const char* wrong : {"", "a-b", "mount()", "*", "open at"})
    EXPECT_FALSE(parse(kSystemCalls, text(wrong))) << wrong;
}

TEST(WaitReasons, AreWordsOnly) {
  EXPECT_EQ(parse(kWaitCauses, {base::JsonArray{"busy", "no-device", "system-not-ready"}}),
            (std::vector{WaitFor::kBusy, WaitFor::kNoDevice, WaitFor::kSystemNotReady}));
  EXPECT_EQ(parse(kGpuFeatureList, {base::JsonArray{"fp8", "nvlink"}}),
            (std::vector<std::string>{"fp8", "nvlink"}));
  EXPECT_FALSE(parse(kGpuFeatureList, text("bf17")));
  EXPECT_EQ(parse(kBytesOrZero, {std::int64_t{0}}), 0U);
  EXPECT_EQ(parse(kBytesOrZero, text("40GiB")), std::uint64_t{40} << 30);
  EXPECT_FALSE(parse(kBytesOrZero, text("")));
  EXPECT_EQ(parse(kWaitCauses, text("busy")), (std::vector{WaitFor::kBusy}));
  EXPECT_FALSE(parse(kWaitCauses, {base::JsonArray{"busy", "tired"}}));
  EXPECT_FALSE(parse(kWaitCauses, {base::JsonArray{1}}));
}

}  // namespace
}  // namespace gpuinit::policy
