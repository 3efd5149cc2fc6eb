#include "base/gpu_device_path.h"

#include <gtest/gtest.h>

namespace gpuinit::base {
namespace {

TEST(IsGpuDevice, AGpuAndNotWhatEveryClientOpens) {
  for (const char* path : {"/dev/nvidia0", "/dev/nvidia15", "/dev/dxg"})
    EXPECT_TRUE(is_gpu_device(path)) << path;
  for (const char* path : {"/dev/nvidiactl", "/dev/nvidia", "/dev/nvidia-uvm", "/dev/nvidia0a",
                           "/dev/nvidia-caps/nvidia-cap1", "/tmp/dev/nvidia0", "/dev/dxg1", "",
                           "/dev/nvidia0 (deleted)", "socket:[12]"})
    EXPECT_FALSE(is_gpu_device(path)) << path;
}

TEST(GpuNumber, IsThatOfItsFile) {
  EXPECT_EQ(gpu_number("/dev/nvidia15"), 15U);
  EXPECT_EQ(gpu_number("/dev/nvidiactl"), std::nullopt);
  EXPECT_EQ(gpu_number(kWslDevice), std::nullopt);
}

}  // namespace
}  // namespace gpuinit::base
