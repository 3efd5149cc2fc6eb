#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "node/read_node.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

TEST(Limits, TheMachineIsWhatThisWasCompiledFor) {
#if defined(__aarch64__)
  EXPECT_EQ(read_machine(), Fact<std::string>("aarch64"));
#else
  EXPECT_EQ(read_machine(), Fact<std::string>("x86_64"));
#endif
}

TEST(Limits, SharedMemoryHasASizeOrIsAbsent) {
  test::Tree tree;
  auto fs = base::RootFs::open(tree.root());
  ASSERT_TRUE(fs.ok());
  EXPECT_TRUE(read_shared_memory(*fs).is_absent());
  tree.directory("/dev/shm");
  const auto memory = read_shared_memory(*fs);
  ASSERT_TRUE(memory.known());
  EXPECT_GT(memory->bytes, 0U);
  EXPECT_LE(memory->free_bytes, memory->bytes);
}

TEST(Limits, IpcLockIsBitFourteenOfTheEffectiveSet) {
  EXPECT_EQ(has_capability("Name:\tx\nCapEff:\t0000000000004000\n", 14), true);
  EXPECT_EQ(has_capability("CapEff:\t00000000a80425fb\n", 14), false);  // docker's own set
  EXPECT_EQ(has_capability("CapEff:\t000001ffffffffff\n", 14), true);
  for (const char* text : {"", "CapPrm:\t0000000000004000\n", "CapEff:\n", "CapEff:\tzz\n"})
    EXPECT_EQ(has_capability(text, 14), std::nullopt) << text;
}

TEST(Limits, LockedMemoryIsTheSoftLimit) {
  auto fs = base::RootFs::open("/");
  ASSERT_TRUE(fs.ok());
  struct rlimit limit {};
  ASSERT_EQ(::getrlimit(RLIMIT_MEMLOCK, &limit), 0);
  const auto limits = read_limits(*fs);
  if (limit.rlim_cur == RLIM_INFINITY) EXPECT_TRUE(limits.memlock_bytes.is_absent());
  else EXPECT_EQ(limits.memlock_bytes, Fact<std::uint64_t>(limit.rlim_cur));
  EXPECT_TRUE(limits.ipc_lock.known());
}

TEST(Limits, RdmaDevicesAreTheVerbsDevices) {
  test::Tree tree;
  auto fs = base::RootFs::open(tree.root());
  ASSERT_TRUE(fs.ok());
  ASSERT_TRUE(read_rdma_devices(*fs).known());
  EXPECT_TRUE(read_rdma_devices(*fs)->empty());
  tree.file("/dev/infiniband/uverbs1").file("/dev/infiniband/rdma_cm");
  EXPECT_THAT(*read_rdma_devices(*fs), testing::ElementsAre("/dev/infiniband/uverbs1"));
}

}  // namespace
}  // namespace gpuinit::node
