#include "report/explain_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::report {
namespace {

using testing::HasSubstr;

const PolicyKey kCount{.name = "gpu.count",
                       .takes = "a range as text, such as \">=1\"",
                       .built_in = base::Json(">=1"),
                       .built_in_text = "\">=1\"",
                       .meaning = "how many GPUs"};

TEST(ExplainKey, IsItsMeaningWhatItTakesAndItsValue) {
  EXPECT_EQ(explain_key(kCount, 100), R"(gpu.count: how many GPUs
    takes a range as text, such as ">=1"
    built in: ">=1"
)");
}

TEST(ExplainKey, ManyAreFollowedByWhereValuesComeFrom) {
  const std::string text = explain_keys({&kCount, 1}, 100);
  EXPECT_THAT(text, testing::StartsWith(explain_key(kCount, 100) + "\nEach of these lies over"));
  EXPECT_THAT(text, HasSubstr("--set gpu.count=8"));
}

TEST(ExplainKey, TheJsonHasTheValueWithItsType) {
  const base::Json json = explain_keys_json({&kCount, 1});
  const auto* keys = json.find("keys")->as_array();
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_EQ(*keys->front().find("key")->as_string(), "gpu.count");
  EXPECT_EQ(*keys->front().find("built_in")->as_string(), ">=1");
}

constexpr CheckInfo kChecks[] = {
    {.id = "python.abi",
     .exit_codes = "65",
     .title = "torch was compiled for another Python",
     .looks_at = "a",
     .why = "b",
     .fix = "c"},
    {.id = "device.present",
     .exit_codes = "69, 75 or 77",
     .title = "no GPU is visible",
     .looks_at = "a",
     .why = "b",
     .fix = "c"},
};
constexpr ExitCodeInfo kNode{69, "node", "the node has no usable GPU", "on another node"};
constexpr ExitCodeInfo kSignal{128, "signal", "128+n: ended by signal n", "as you like"};

TEST(ExplainExitCode, NamesTheChecksThatEndWithIt) {
  EXPECT_EQ(explain_exit_code(69, kNode, kChecks, 100), R"(69 (node): the node has no usable GPU
Retry: on another node

What can end with it:
  device.present: no GPU is visible
)");
  EXPECT_THAT(explain_exit_code(75, kNode, kChecks, 100), HasSubstr("device.present"));
  EXPECT_THAT(explain_exit_code(77, kNode, kChecks, 100), HasSubstr("device.present"));
  EXPECT_THAT(explain_exit_code(65, kNode, kChecks, 100),
              testing::Not(HasSubstr("device.present")));
  const base::Json json = explain_exit_code_json(69, kNode, kChecks);
  EXPECT_EQ(*json.find("checks")->as_array()->front().as_string(), "device.present");
  EXPECT_EQ(*json.find("retry")->as_string(), "on another node");
}

TEST(ExplainExitCode, NamesTheSignal) {
  EXPECT_EQ(explain_exit_code(137, kSignal, kChecks, 100),
            "137 (signal): ended by SIGKILL\nRetry: as you like\n");
  EXPECT_EQ(explain_exit_code(128, kSignal, kChecks, 100),
            "128 (signal): 128+n: ended by signal n\nRetry: as you like\n");
}

}  // namespace
}  // namespace gpuinit::report
