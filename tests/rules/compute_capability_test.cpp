#include "rules/compute_capability.h"

#include <gtest/gtest.h>

namespace gpuinit::rules {
namespace {

TEST(ComputeCapability, ReadsWhatDriversSay) {
  EXPECT_EQ(parse_compute_capability("9.0"), (ComputeCapability{9, 0}));
  EXPECT_EQ(parse_compute_capability("12.1")->sm_target(), "sm_121");
  EXPECT_EQ(parse_compute_capability("8.6")->text(), "8.6");
  for (const char* text : {"", "9", "9.", ".0", "9.0.1", "sm_90", "-9.0", "0.0", "9.10"})
    EXPECT_FALSE(parse_compute_capability(text)) << text;
}

TEST(Target, IsTakenApart) {
  const auto target = parse_target("compute_100f");
  ASSERT_TRUE(target);
  EXPECT_TRUE(target->ptx);
  EXPECT_EQ(target->capability, (ComputeCapability{10, 0}));
  EXPECT_EQ(target->suffix, 'f');
  EXPECT_FALSE(parse_target("sm_75")->ptx);
  EXPECT_EQ(parse_target("sm_75")->suffix, 0);
  for (const char* text : {"", "sm_", "sm_foo", "sm_9", "lto_90", "90", "sm_90x", "sm_90af",
                           "compute_", "sm_99999999999999999999", "SM_90"})
    EXPECT_FALSE(parse_target(text)) << text;
}

struct Case {
  const char* target;
  ComputeCapability device;
  Runs runs;
};

TEST(Target, RunsWhereNvidiaSaysItDoes) {
  const Case cases[] = {
      // A public test vector of the same rule.
      {"sm_90", {12, 0}, Runs::kNo},
      {"sm_120", {12, 1}, Runs::kNative},
      {"sm_86", {8, 9}, Runs::kNative},
      {"compute_90", {12, 0}, Runs::kJit},
      {"compute_90a", {12, 0}, Runs::kNo},
      {"sm_100f", {10, 3}, Runs::kNative},
      {"sm_100f", {12, 0}, Runs::kNo},
      {"compute_100f", {12, 0}, Runs::kNo},
      {"sm_foo", {9, 0}, Runs::kUnknown},
      // Same major, minor not smaller.
      {"sm_80", {8, 6}, Runs::kNative},
      {"sm_86", {8, 0}, Runs::kNo},
      {"sm_90", {9, 0}, Runs::kNative},
      {"sm_80", {9, 0}, Runs::kNo},
      {"sm_100", {10, 3}, Runs::kNative},
      // PTX goes up, never down.
      {"compute_90", {8, 9}, Runs::kNo},
      {"compute_50", {9, 0}, Runs::kJit},
      {"compute_90a", {9, 0}, Runs::kJit},
      {"compute_120f", {12, 1}, Runs::kJit},
      // Suffixes.
      {"sm_90a", {9, 0}, Runs::kNative},
      {"sm_100a", {10, 3}, Runs::kNo},
      {"sm_103f", {10, 0}, Runs::kNo},
      {"sm_100f", {10, 7}, Runs::kNative},
      {"sm_103f", {10, 7}, Runs::kNative},
      {"sm_107f", {10, 3}, Runs::kNo},
      {"sm_100f", {11, 0}, Runs::kNo},
      {"sm_121f", {12, 0}, Runs::kNo},
      {"sm_120f", {12, 0}, Runs::kNative},
      // A family may grow: 12.5 is in no table.
      {"sm_120f", {12, 5}, Runs::kUnknown},
      {"sm_130f", {13, 0}, Runs::kNative},
      // Integrated GPUs: NVIDIA promises nothing across the border.
      {"sm_80", {8, 7}, Runs::kDoubtful},
      {"sm_87", {8, 7}, Runs::kNative},
      {"sm_87", {8, 9}, Runs::kDoubtful},
      {"sm_70", {7, 2}, Runs::kDoubtful},
      {"compute_80", {8, 7}, Runs::kJit},
      // Thor: 10.1 until CUDA 12.9, 11.0 since CUDA 13.
      {"sm_101", {11, 0}, Runs::kNative},
      {"sm_110", {10, 1}, Runs::kNative},
      {"sm_101a", {11, 0}, Runs::kNative},
      {"sm_100", {10, 1}, Runs::kNo},
      {"compute_101", {12, 0}, Runs::kJit},
  };
  for (const auto& [target, device, runs] : cases)
    EXPECT_EQ(runs_on(target, device), runs) << target << " on " << device.text();
}

TEST(ComputeCapability, KnowsTheFirstToolkitForADevice) {
  EXPECT_EQ(first_toolkit_for({12, 0})->text(), "12.8");
  EXPECT_EQ(first_toolkit_for({9, 0})->text(), "11.8");
  EXPECT_EQ(first_toolkit_for({10, 1})->text(), "13.0");
  EXPECT_EQ(first_toolkit_for({10, 7})->text(), "13.4");
  EXPECT_FALSE(first_toolkit_for({14, 0}));
}

TEST(ComputeCapability, KnowsTheLastToolkitForADevice) {
  EXPECT_EQ(last_toolkit_for({3, 7}), 11U);
  EXPECT_EQ(last_toolkit_for({6, 1}), 12U);
  EXPECT_EQ(last_toolkit_for({7, 0}), 12U);
  EXPECT_EQ(last_toolkit_for({7, 5}), 0U);
  EXPECT_EQ(last_toolkit_for({14, 0}), 0U);
}

TEST(ComputeCapability, KnowsIntegratedGpusUnderBothNames) {
  EXPECT_TRUE(is_integrated({8, 7}));
  EXPECT_TRUE(is_integrated({10, 1}));
  EXPECT_TRUE(is_integrated({11, 0}));
  EXPECT_FALSE(is_integrated({12, 1}));
  EXPECT_FALSE(is_integrated({14, 0}));
}

}  // namespace
}  // namespace gpuinit::rules
