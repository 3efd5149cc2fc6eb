#include "node/read_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tree.h"

namespace gpuinit::node {
namespace {

TEST(ReadNode, FillsWhatFilesTellAndLeavesTheProbesPartUnknown) {
  test::Tree tree;
  tree.directory("/dev").directory("/usr/lib").directory("/sys/module/ext4");
  tree.file("/proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19\n");
  auto fs = base::RootFs::open(tree.root());
  ASSERT_TRUE(fs.ok());
  const auto node = read_node({*fs, {{"CUDA_VISIBLE_DEVICES", "0"}, {"TOKEN", "secret"}}});
  EXPECT_EQ(node.driver.kernel_version, Fact<std::string>("535.104.05"));
  EXPECT_TRUE(node.driver.libcuda.is_absent());
  ASSERT_TRUE(node.device_nodes.known());
  EXPECT_TRUE(node.device_nodes->empty());
  ASSERT_TRUE(node.environment.known());
  EXPECT_THAT(*node.environment, testing::ElementsAre(testing::Pair("CUDA_VISIBLE_DEVICES", "0")));
  EXPECT_TRUE(node.machine.known());
  EXPECT_EQ(node.cpu_level.known(), *node.machine == "x86_64") << node.cpu_level.reason();
  EXPECT_TRUE(node.kernel_machine.is_unknown());
  tree.file("/proc/sys/kernel/arch", "aarch64\n");
  EXPECT_EQ(read_kernel_machine(*fs), Fact<std::string>("aarch64"));
  EXPECT_TRUE(node.driver.libnvidia_ml.is_absent());
  EXPECT_TRUE(node.kernel_gpus.is_unknown());
  EXPECT_TRUE(node.jit_cache.is_unknown());
  EXPECT_TRUE(node.shared_memory.is_absent());
  EXPECT_TRUE(node.rdma_devices->empty());
  EXPECT_TRUE(node.driver.cuda_version.is_unknown());
  EXPECT_TRUE(node.devices.is_unknown());
  EXPECT_TRUE(node.probe.is_unknown());
}

// Whatever this machine is, its own tree can be read to the end.
TEST(ReadNode, ReadsTheMachineItRunsOn) {
  auto fs = base::RootFs::open("/");
  ASSERT_TRUE(fs.ok());
  const auto node = read_node({*fs, {}});
  EXPECT_TRUE(node.device_nodes.known()) << node.device_nodes.reason();
  EXPECT_NE(node.driver.kernel_version.reason(), "not looked at");
  EXPECT_NE(node.driver.libcuda.reason(), "not looked at");
}

}  // namespace
}  // namespace gpuinit::node
