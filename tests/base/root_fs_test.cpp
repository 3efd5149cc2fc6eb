#include "base/root_fs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/tree.h"

namespace gpuinit::base {
namespace {

using test::Tree;

RootFs open_root(const Tree& tree) { return std::move(RootFs::open(tree.root())).value(); }

TEST(RootFs, AbsoluteLinksStartAgainAtTheRoot) {
  Tree tree;
  tree.file("usr/bin/python3.12", "elf")
      .link("usr/bin/python3", "/usr/bin/python3.12")
      .link("bin", "/usr/bin");
  const RootFs fs = open_root(tree);
  auto real = fs.resolve("/bin/python3");
  ASSERT_TRUE(real.ok());
  EXPECT_EQ(*real, "/usr/bin/python3.12");
  EXPECT_EQ(*fs.read_file("/bin/python3"), "elf");
}

TEST(RootFs, NothingLeavesTheRoot) {
  Tree tree;
  tree.file("etc/passwd", "inside")
      .link("a/up", "../../../../etc/passwd")
      .link("b", "/../../etc/passwd");
  const RootFs fs = open_root(tree);
  EXPECT_EQ(*fs.read_file("/a/up"), "inside");
  EXPECT_EQ(*fs.read_file("/b"), "inside");
  EXPECT_EQ(*fs.read_file("/../../etc/passwd"), "inside");
}

TEST(RootFs, LoopsEnd) {
  Tree tree;
  tree.link("a", "b").link("b", "a").link("c", "c/d");
  const RootFs fs = open_root(tree);
  EXPECT_EQ(fs.resolve("/a").error().code, ELOOP);
  EXPECT_EQ(fs.resolve("/c").error().code, ELOOP);
}

TEST(RootFs, SaysWhyAFileCannotBeRead) {
  Tree tree;
  tree.directory("d").file("f", "12345");
  ASSERT_EQ(::mkfifo(tree.at("fifo").c_str(), 0644), 0);
  const RootFs fs = open_root(tree);
  EXPECT_EQ(fs.read_file("/none").error().code, ENOENT);
  EXPECT_EQ(fs.read_file("/f/below").error().code, ENOTDIR);
  EXPECT_EQ(fs.read_file("/d").error().code, EISDIR);
  EXPECT_EQ(fs.read_file("/fifo").error().message,
            "/fifo: not a regular file");  // and does not hang
  EXPECT_EQ(fs.read_file("/f", 4).error().code, kOwnLimit);
  EXPECT_EQ(*fs.read_file("/f", 5), "12345");
}

TEST(RootFs, ReadsProcFilesWhoseSizeIsZero) {
  auto fs = RootFs::open("/");
  ASSERT_TRUE(fs.ok());
  auto text = fs->read_file("/proc/self/status");
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("State:"), std::string::npos);
}

TEST(RootFs, ListsSorted) {
  Tree tree;
  tree.file("d/b").file("d/a").directory("d/c");
  EXPECT_EQ(*open_root(tree).list("/d"), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(RootFs, KnowsExecutables) {
  Tree tree;
  tree.executable("x").file("y").directory("z");
  const RootFs fs = open_root(tree);
  EXPECT_TRUE(fs.is_executable("/x"));
  EXPECT_FALSE(fs.is_executable("/y"));
  EXPECT_FALSE(fs.is_executable("/z"));
}

TEST(RootFs, RefusesARootThatIsNone) {
  EXPECT_EQ(RootFs::open("/no/such/root").error().code, ENOENT);
}

TEST(Paths, AreTakenApartAndPutTogether) {
  EXPECT_EQ(join("/a", "b"), "/a/b");
  EXPECT_EQ(join("/", "b"), "/b");
  EXPECT_EQ(join("/a", "/b"), "/b");
  EXPECT_EQ(parent("/a/b"), "/a");
  EXPECT_EQ(parent("/a"), "/");
  EXPECT_EQ(parent("/a/b/"), "/a");
  EXPECT_EQ(basename("/a/b"), "b");
  EXPECT_EQ(basename("/a/b/"), "b");
  EXPECT_EQ(basename("b"), "b");
  EXPECT_EQ(normalize("/a/./b//../c"), "/a/c");
  EXPECT_EQ(normalize("/.."), "/");
}

TEST(RootFs, ReadsAKernelFileToItsEndAndNoLargerOne) {
  Tree tree;
  tree.file("sys/events", "oom_kill 1\n").file("sys/large", std::string(100, 'x'));
  const RootFs fs = open_root(tree);
  EXPECT_EQ(fs.read_kernel_file("/sys/events", 64).value_or(""), "oom_kill 1\n");
  EXPECT_EQ(fs.read_kernel_file("/sys/large", 64).error().code, kOwnLimit);
  EXPECT_EQ(fs.read_kernel_file("/sys/none", 64).error().code, ENOENT);
  EXPECT_EQ(fs.read_kernel_file("/sys", 64).error().code, EISDIR);
  EXPECT_TRUE(RootFs::open("/")->read_kernel_file("/proc/self/cgroup", 64 * 1024));
}

}  // namespace
}  // namespace gpuinit::base
