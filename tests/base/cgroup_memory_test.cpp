#include "base/cgroup_memory.h"

#include <gtest/gtest.h>

#include "support/tree.h"

namespace gpuinit::base {
namespace {

using test::Tree;

CgroupMemory read(const Tree& tree) { return read_cgroup_memory(*RootFs::open(tree.root())); }

constexpr char kEvents[] = "low 0\nhigh 3\nmax 70\noom 2\noom_kill 2\noom_group_kill 0\n";

TEST(CgroupMemory, V2InANamespaceOfItsOwn) {
  Tree tree;
  tree.file("proc/self/cgroup", "0::/\n");
  tree.file("sys/fs/cgroup/memory.events", kEvents);
  tree.file("sys/fs/cgroup/memory.max", "2147483648\n");
  tree.file("sys/fs/cgroup/memory.peak", "2147480000\n");
  const CgroupMemory memory = read(tree);
  EXPECT_EQ(memory.oom_kills, 2U);
  EXPECT_EQ(memory.limit, 2147483648U);
  EXPECT_EQ(memory.peak, 2147480000U);
  EXPECT_EQ(read_oom_kills(*RootFs::open(tree.root())), 2U);
}

TEST(CgroupMemory, V2TakesTheLowestLimitOnTheWayUp) {
  Tree tree;
  tree.file("proc/self/cgroup", "0::/kubepods/pod1/c1\n");
  tree.file("sys/fs/cgroup/kubepods/pod1/c1/memory.events", kEvents);
  tree.file("sys/fs/cgroup/kubepods/pod1/c1/memory.max", "max\n");
  tree.file("sys/fs/cgroup/kubepods/pod1/memory.max", "1000000\n");
  tree.file("sys/fs/cgroup/kubepods/memory.max", "2000000\n");
  const CgroupMemory memory = read(tree);
  EXPECT_EQ(memory.limit, 1000000U);
  EXPECT_EQ(memory.peak, std::nullopt) << "kernels before 5.19 do not say";
}

TEST(CgroupMemory, V1WithTheHostsPathInAContainer) {
  Tree tree;
  tree.file("proc/self/cgroup",
            "11:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/docker/abc\n");
  tree.file("sys/fs/cgroup/memory/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  tree.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  tree.file("sys/fs/cgroup/memory/memory.max_usage_in_bytes", "536870912\n");
  const CgroupMemory memory = read(tree);
  EXPECT_EQ(memory.oom_kills, 1U);
  EXPECT_EQ(memory.limit, 536870912U);
  EXPECT_EQ(memory.peak, 536870912U);
}

std::optional<std::uint64_t> tasks(const Tree& tree) {
  return read_tasks_left(*RootFs::open(tree.root()));
}

TEST(CgroupTasks, AreTheLeastThatALimitOnTheWayUpLeaves) {
  Tree tree;
  EXPECT_EQ(tasks(tree), std::nullopt);
  tree.file("proc/self/cgroup", "0::/kubepods/pod1/c1\n");
  tree.file("sys/fs/cgroup/kubepods/pod1/c1/pids.max", "max\n");
  EXPECT_EQ(tasks(tree), std::nullopt);
  tree.file("sys/fs/cgroup/kubepods/pod1/pids.max", "100\n");
  tree.file("sys/fs/cgroup/kubepods/pod1/pids.current", "90\n");
  tree.file("sys/fs/cgroup/kubepods/pids.max", "1000\n");
  EXPECT_EQ(tasks(tree), 10U);
  tree.file("sys/fs/cgroup/kubepods/pod1/pids.current", "130\n");
  EXPECT_EQ(tasks(tree), 0U) << "a limit may be set below what runs already";
}

// In a container without a cgroup namespace the path is the host's.
TEST(CgroupTasks, V1HasAControllerOfItsOwn) {
  Tree tree;
  tree.file("proc/self/cgroup", "4:pids:/docker/abc\n0::/docker/abc\n");
  tree.file("sys/fs/cgroup/pids/pids.max", "64\n").file("sys/fs/cgroup/pids/pids.current", "4\n");
  EXPECT_EQ(tasks(tree), 60U);
}

TEST(CgroupMemory, V1WithoutALimit) {
  Tree tree;
  tree.file("proc/self/cgroup", "4:memory:/\n");
  tree.file("sys/fs/cgroup/memory/memory.oom_control", "oom_kill 0\n");
  tree.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read(tree).limit, std::nullopt);
}

TEST(CgroupMemory, RubbishIsUnknown) {
  for (const char* line : {"", "0::", "0::/../../..\n", "x\n", "4:memory\n", ":::::\n"}) {
    Tree tree;
    tree.file("proc/self/cgroup", line);
    tree.file("sys/fs/cgroup/memory.events", "oom_kill many\n");
    const CgroupMemory memory = read(tree);
    EXPECT_FALSE(memory.oom_kills) << line;
    EXPECT_FALSE(memory.limit) << line;
  }
  Tree nothing;
  EXPECT_FALSE(read(nothing).oom_kills);
}

}  // namespace
}  // namespace gpuinit::base
