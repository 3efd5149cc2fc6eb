#include "base/directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "probe/syscall_filter.h"
#include "support/in_another_process.h"
#include "support/tree.h"

namespace gpuinit::base {
namespace {

using Kind = DirectoryEntry::Kind;

Directory open(const RootFs& fs, const std::string& path) {
  auto directory = Directory::open(fs, path);
  EXPECT_TRUE(directory.ok());
  return std::move(directory).value();
}

TEST(Directory, ListsWithTheKindOfEachEntry) {
  test::Tree tree;
  tree.file("site/b.so", "x").directory("site/a").link("site/c", "b.so");
  ::mkfifo(tree.at("site/d").c_str(), 0644);
  auto fs = RootFs::open(tree.root());
  const auto entries = open(*fs, "/site").entries();
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ(*entries, (std::vector<DirectoryEntry>{{"a", Kind::kDirectory},
                                                   {"b.so", Kind::kFile},
                                                   {"c", Kind::kLink},
                                                   {"d", Kind::kOther}}));
  // A second time as well.
  EXPECT_EQ(open(*fs, "/site").entries()->size(), 4U);
}

TEST(Directory, ReadsTheBeginningOfAFile) {
  test::Tree tree;
  tree.file("a/f", "0123456789");
  auto fs = RootFs::open(tree.root());
  const auto directory = open(*fs, "/a");
  EXPECT_EQ(*directory.read_head("f", 4), "0123");
  EXPECT_EQ(*directory.read_head("f", 100), "0123456789");
  EXPECT_EQ(directory.open_file("f")->name(), "/a/f");
  EXPECT_EQ(directory.open_file("f")->size(), 10U);
}

// uv installs a venv of symlinks into its cache.
TEST(Directory, SymlinksStayInsideTheRoot) {
  test::Tree tree;
  tree.file("cache/f", "cached").directory("a").link("a/f", "/cache/f").link("a/d", "/cache");
  tree.link("a/outside", "../../../../../../../../../etc/passwd");
  auto fs = RootFs::open(tree.root());
  const auto directory = open(*fs, "/a");
  EXPECT_EQ(*directory.read_head("f", 100), "cached");
  EXPECT_EQ(*directory.open_directory("d")->read_head("f", 100), "cached");
  EXPECT_FALSE(directory.read_head("outside", 100).ok());
}

TEST(Directory, OpensRegularFilesOnly) {
  test::Tree tree;
  tree.directory("a/sub").file("a/f");
  ::mkfifo(tree.at("a/fifo").c_str(), 0644);
  auto fs = RootFs::open(tree.root());
  const auto directory = open(*fs, "/a");
  for (const char* name : {"sub", "fifo", "missing", "", ".."})
    EXPECT_FALSE(directory.open_file(name).ok()) << name;
  EXPECT_FALSE(directory.open_directory("f").ok());
  EXPECT_EQ(directory.read_head("missing", 1).error().code, ENOENT);
  EXPECT_FALSE(Directory::open(*fs, "/a/f").ok());
}

TEST(Directory, OpensItsOwnEntriesOnly) {
  test::Tree tree;
  tree.file("a/b/f", "x");
  auto fs = RootFs::open(tree.root());
  const auto directory = open(*fs, "/a");
  EXPECT_FALSE(directory.open_file("b/f").ok());
  EXPECT_FALSE(directory.open_directory("../a").ok());
  EXPECT_FALSE(directory.read_head("b/../b/f", 1).ok());
  EXPECT_TRUE(directory.open_directory("b")->open_file("f").ok());
}

// A directory that is a symlink out of the root half of the time, while it is read in every way.
class Swapped {
 public:
  Swapped() {
    tree_.file("outside/f", "outside").link("outside/l", "outside").file("root/site/d/f", "inside");
    tree_.link("root/site/d/l", "inside").link("root/site/other", tree_.at("outside").native());
    thread_ = std::thread([this] {
      const std::string one = tree_.at("root/site/d");
      const std::string other = tree_.at("root/site/other");
      while (!done_) ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
    });
  }
  ~Swapped() {
    done_ = true;
    thread_.join();
  }

  // What was read, with how often.
  std::map<std::string, int> read_for(std::chrono::milliseconds time) const {
    const auto fs = RootFs::open(tree_.at("root"));
    const auto site = Directory::open(*fs, "/site");
    std::map<std::string, int> seen;
    const auto note = [&](const Result<std::string>& text) { ++seen[text.value_or("nothing")]; };
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      note(fs->read_file("/site/d/f"));
      note(fs->read_link("/site/d/l"));
      const auto real = fs->resolve("/site/d/l");
      note(real ? Result<std::string>(std::string(basename(*real))) : real);
      const auto below = site->open_directory("d");
      if (!below) continue;
      note(below->read_head("f", 100));
      const auto entries = below->entries();
      EXPECT_TRUE(!entries || entries->size() == 2);
      const auto exact = Directory::open_exact(*fs, "/site/d");
      if (exact) note(exact->read_link("l"));
    }
    return seen;
  }

 private:
  test::Tree tree_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

void expect_inside(const std::map<std::string, int>& seen) {
  for (const auto& [text, times] : seen)
    EXPECT_TRUE(text == "inside" || text == "nothing") << text << ", " << times << " times";
  EXPECT_TRUE(seen.contains("inside") && seen.contains("nothing"));
}

TEST(Directory, ThatIsSwappedForASymlinkLeadsNowhere) {
  expect_inside(Swapped().read_for(std::chrono::milliseconds(1500)));
}

TEST(Directory, ThatIsSwappedForASymlinkLeadsNowhereWithoutOpenat2) {
  EXPECT_EQ(test::in_another_process([]() -> std::string {
              if (!test::refuse({{SYS_openat2, ENOSYS}})) return "no seccomp here";
              expect_inside(Swapped().read_for(std::chrono::milliseconds(1500)));
              return testing::Test::HasFailure() ? "failed" : "";
            }),
            "");
}

}  // namespace
}  // namespace gpuinit::base
