#include <gtest/gtest.h>

#include "support/tree.h"
#include "warmup/page_warmup.h"

namespace gpuinit::warmup {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

std::uint64_t asked(const test::Tree& tree, std::uint64_t wanted = 4 * kGiB) {
  return budget(wanted, *base::RootFs::open(tree.root()));
}

TEST(Budget, IsWhatIsWantedWhereNothingIsKnown) { EXPECT_EQ(asked(test::Tree()), 4 * kGiB); }

TEST(Budget, LeavesHalfOfTheAvailableMemory) {
  test::Tree tree;
  tree.file("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable:    2097152 kB\n");
  EXPECT_EQ(asked(tree), kGiB);
  EXPECT_EQ(asked(tree, 1000), 1000U);
}

TEST(Budget, LeavesHalfOfWhatTheLimitLeaves) {
  test::Tree tree;
  tree.file("proc/meminfo", "MemAvailable: 16777216 kB\n");
  tree.file("proc/self/cgroup", "0::/pod/c1\n");
  tree.file("sys/fs/cgroup/pod/c1/memory.events", "oom_kill 0\n");
  tree.file("sys/fs/cgroup/pod/c1/memory.max", "max\n");
  tree.file("sys/fs/cgroup/pod/memory.max", "1073741824\n");
  tree.file("sys/fs/cgroup/pod/memory.current", "536870912\n");
  EXPECT_EQ(asked(tree), kGiB / 4);
  tree.file("sys/fs/cgroup/pod/memory.current", "2073741824\n");
  EXPECT_EQ(asked(tree), 0U) << "already over the limit";
}

TEST(Budget, IsNotConfusedByRubbish) {
  test::Tree tree;
  tree.file("proc/meminfo",
            "MemAvailable: lots kB\nMemAvailable:\nMemAvailable: 99999999999999999 kB\n");
  EXPECT_EQ(asked(tree), 4 * kGiB);
}

}  // namespace
}  // namespace gpuinit::warmup
