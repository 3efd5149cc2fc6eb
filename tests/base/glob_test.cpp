// Patterns of the policy.
#include "base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace gpuinit::base {
namespace {

TEST(Glob, AStarCrossesSlashes) {
  EXPECT_TRUE(matches_glob("torchvision/*", "torchvision/a/b.so"));
  EXPECT_TRUE(matches_glob("flash_attn_2_cuda*", "flash_attn_2_cuda.cpython-312.so"));
  EXPECT_TRUE(matches_glob("*/_C.so", "xformers/flash_attn_3/_C.so"));
  EXPECT_TRUE(matches_glob("a?c", "abc"));
  EXPECT_FALSE(matches_glob("a?c", "ac"));
  EXPECT_FALSE(matches_glob("torchvision", "torchvision/_C.so"));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_FALSE(matches_glob("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(Glob, ANameMeansThePackageHoweverItIsSpelled) {
  EXPECT_TRUE(names_package("torchvision", "torchvision"));
  EXPECT_TRUE(names_package("flash-attn", "flash_attn"));
  EXPECT_TRUE(names_package("Flash_Attn*", "flash_attn_3"));
  EXPECT_FALSE(names_package("torch", "torchvision"));
  EXPECT_FALSE(names_package("torchvision/*", "torchvision"));
  EXPECT_FALSE(names_package("*", ""));
}

}  // namespace
}  // namespace gpuinit::base
