#include "rules/device_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::rules {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;

TEST(DeviceName, TellsTheBrandWhereThatIsCertain) {
  EXPECT_THAT(brands_of("NVIDIA GeForce RTX 5090"), Contains("geforce"));
  EXPECT_THAT(brands_of("NVIDIA GeForce RTX 5090"), Not(Contains("tesla")));
  for (const char* name :
       {"Tesla V100-SXM2-16GB", "NVIDIA A100-SXM4-40GB", "NVIDIA A10G", "NVIDIA L4", "NVIDIA L40S",
        "NVIDIA H100 80GB HBM3", "A100-PCIE-40GB", "NVIDIA H200", "NVIDIA A30"})
    EXPECT_THAT(brands_of(name), Contains("tesla")) << name;
  EXPECT_THAT(brands_of("Quadro P1000"), Contains("quadro"));
  EXPECT_THAT(brands_of("NVIDIA TITAN RTX"), Contains("titanrtx"));
  EXPECT_THAT(brands_of("NVIDIA RTX A6000"), Contains("nvidiartx"));
  EXPECT_THAT(brands_of("NVIDIA RTX A2000 12GB"), Not(Contains("tesla")));
  for (const char* name : {"", "Orin", "NVIDIA Graphics Device", "GRID T4-8Q", "NVIDIA A1000"})
    EXPECT_THAT(brands_of(name), IsEmpty()) << name;
}

TEST(DeviceName, TellsWhatCanBeSplit) {
  for (const char* name : {"NVIDIA A100-SXM4-80GB", "NVIDIA A30", "NVIDIA H100 80GB HBM3",
                           "NVIDIA GH200 480GB", "NVIDIA B200", "A100-PCIE-40GB"})
    EXPECT_TRUE(can_be_split(name)) << name;
  for (const char* name : {"NVIDIA A10", "NVIDIA RTX A3000 Laptop GPU", "NVIDIA L40S", "Tesla T4",
                           "NVIDIA GeForce RTX 4090", ""})
    EXPECT_FALSE(can_be_split(name)) << name;
}

}  // namespace
}  // namespace gpuinit::rules
