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
                           "NVIDIA GH200 480GB", "NVIDIA B200", "A100-PCIE-40GB", "NVIDIA GB300",
                           "NVIDIA RTX PRO 6000 Blackwell Server Edition"})
    EXPECT_TRUE(can_be_split(name)) << name;
  for (const char* name : {"NVIDIA A10", "NVIDIA RTX A3000 Laptop GPU", "NVIDIA L40S", "Tesla T4",
                           "NVIDIA GeForce RTX 4090", "NVIDIA RTX PRO 4000 Blackwell", ""})
    EXPECT_FALSE(can_be_split(name)) << name;
}

TEST(DeviceName, IsCalledByWholeWordsOrAPattern) {
  const std::string h100 = "NVIDIA H100 80GB HBM3";
  for (const char* wanted : {"H100", "h100", "NVIDIA H100", "H100 80GB", "NVIDIA-H100-80GB-HBM3",
                             "*H100*", "nvidia h100*", "NVIDIA H?00 80GB*"})
    EXPECT_TRUE(is_called(h100, wanted)) << wanted;
  for (const char* wanted : {"H10", "100", "H100*", "*H100", "A100", "H100 HBM3", "H100 PCIe"})
    EXPECT_FALSE(is_called(h100, wanted)) << wanted;
  EXPECT_TRUE(is_called("NVIDIA A100-SXM4-80GB", "A100"));
  EXPECT_TRUE(is_called("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "*MIG 1g.*"));
  EXPECT_FALSE(is_called("NVIDIA A100-SXM4-80GB", "A10"));
  EXPECT_FALSE(is_called("NVIDIA L40S", "L40"));
  EXPECT_FALSE(is_called("", "H100"));
}

}  // namespace
}  // namespace gpuinit::rules
