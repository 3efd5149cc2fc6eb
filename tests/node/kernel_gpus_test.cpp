#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/read_node.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

constexpr const char* kInformation =
    "Model: \t\t NVIDIA GeForce RTX 3090\n"
    "IRQ:   \t\t 77\n"
    "GPU UUID: \t GPU-eaf23aa1-4d3d-596c-da66-b86b0e5db584\n"
    "Video BIOS: \t 94.02.26.40.81\n"
    "Bus Location: \t 0000:01:00.0\n"
    "Device Minor: \t 2\n"
    "GPU Excluded:\t No\n";

TEST(KernelGpus, ReadsModelUuidAndMinor) {
  const auto gpu = parse_kernel_gpu("0000:01:00.0", kInformation);
  EXPECT_EQ(gpu.bus_id, "0000:01:00.0");
  EXPECT_EQ(gpu.name, Fact<std::string>("NVIDIA GeForce RTX 3090"));
  EXPECT_EQ(gpu.uuid, Fact<std::string>("GPU-eaf23aa1-4d3d-596c-da66-b86b0e5db584"));
  EXPECT_EQ(gpu.minor, Fact<int>(2));
}

TEST(KernelGpus, AGpuThatWasNotStartedHasNoUuidYet) {
  const auto gpu = parse_kernel_gpu(
      "0000:01:00.0",
      "Model: \t\t Unknown\nGPU UUID: \t GPU-\?\?\?\?\?\?\?\?-\?\?\?\?-\?\?\?\?-\?\?\?\?-"
      "\?\?\?\?\?\?\?\?\?\?\?\?\nDevice Minor: \t x\n");
  EXPECT_TRUE(gpu.uuid.is_unknown());
  EXPECT_TRUE(gpu.minor.is_unknown());
}

TEST(KernelGpus, NonsenseIsUnknown) {
  for (const char* text : {"", "\n\n", "Model", "GPU UUID: 12\nDevice Minor: 99999999999\n"}) {
    const auto gpu = parse_kernel_gpu("x", text);
    EXPECT_TRUE(gpu.uuid.is_unknown()) << text;
    EXPECT_TRUE(gpu.minor.is_unknown()) << text;
  }
}

TEST(KernelGpus, AreListedByBusId) {
  test::Tree tree;
  tree.file("/proc/driver/nvidia/gpus/0000:41:00.0/information", kInformation);
  tree.file("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Device Minor: 0\n");
  auto fs = base::RootFs::open(tree.root());
  ASSERT_TRUE(fs.ok());
  const auto gpus = read_kernel_gpus(*fs);
  ASSERT_TRUE(gpus.known());
  ASSERT_EQ(gpus->size(), 2U);
  EXPECT_EQ((*gpus)[0].bus_id, "0000:01:00.0");
  EXPECT_EQ((*gpus)[1].minor, Fact<int>(2));
}

TEST(KernelGpus, WithoutADriverTheyAreUnknown) {
  test::Tree tree;
  auto fs = base::RootFs::open(tree.root());
  ASSERT_TRUE(fs.ok());
  EXPECT_TRUE(read_kernel_gpus(*fs).is_unknown());
}

}  // namespace
}  // namespace gpuinit::node
