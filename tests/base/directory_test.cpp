#include "base/directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

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

}  // namespace
}  // namespace gpuinit::base
