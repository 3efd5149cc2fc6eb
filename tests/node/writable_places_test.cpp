#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "node/read_node.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

class Places : public testing::Test {
 protected:
  std::vector<WritablePlace> read(const Environment& environment) const {
    return read_places(*base::RootFs::open(tree_.root()), environment);
  }
  std::string path_of(const std::string& name, const Environment& environment) const {
    for (const WritablePlace& place : read(environment))
      if (place.name == name) return place.path;
    return "not listed";
  }
  test::Tree tree_;
};

TEST_F(Places, CachesAreBelowHomeUnlessAVariableMovesThem) {
  EXPECT_EQ(path_of("VLLM_CACHE_ROOT", {{"HOME", "/"}}), "/.cache/vllm");
  EXPECT_EQ(path_of("VLLM_CACHE_ROOT", {{"HOME", "/h"}, {"XDG_CACHE_HOME", "/c"}}), "/c/vllm");
  EXPECT_EQ(path_of("VLLM_CACHE_ROOT", {{"HOME", "/h"}, {"VLLM_CACHE_ROOT", "/v"}}), "/v");
  EXPECT_EQ(path_of("TRITON_CACHE_DIR", {{"HOME", "/h"}}), "/h/.triton/cache");
  EXPECT_EQ(path_of("TRITON_CACHE_DIR", {{"HOME", "/h"}, {"TRITON_HOME", "/t"}}),
            "/t/.triton/cache");
  EXPECT_EQ(path_of("TRITON_CACHE_DIR", {{"TRITON_CACHE_DIR", "/t"}}), "/t");
  EXPECT_EQ(path_of("FLASHINFER_WORKSPACE_BASE", {{"FLASHINFER_WORKSPACE_BASE", "/f"}}),
            "/f/.cache/flashinfer");
  EXPECT_EQ(path_of("VLLM_CACHE_ROOT", {}), "not listed") << "/etc/passwd says where HOME is";
  EXPECT_EQ(path_of("VLLM_CACHE_ROOT", {{"HOME", "relative"}}), "not listed");
}

TEST_F(Places, TemporaryFilesGoIntoTheFirstDirectoryThatWillDo) {
  EXPECT_EQ(read({}).front().write_errno, ENOENT) << "Python makes none of them";
  EXPECT_EQ(path_of("TMPDIR", {}), "/tmp");
  tree_.directory("/var/tmp");
  EXPECT_EQ(path_of("TMPDIR", {{"TMPDIR", "/nowhere"}}), "/var/tmp");
  tree_.directory("/tmp").directory("/own");
  EXPECT_EQ(path_of("TMPDIR", {{"TMPDIR", "/nowhere"}}), "/tmp");
  EXPECT_EQ(path_of("TMPDIR", {{"TMP", "/own"}}), "/own");
  EXPECT_EQ(read({}).front().write_errno, 0);
}

TEST_F(Places, ACacheWithSomethingInItIsSeen) {
  const Environment home{{"HOME", "/root"}};
  EXPECT_FALSE(read(home).at(1).filled);
  tree_.directory("/root/.triton/cache");
  EXPECT_FALSE(read(home).at(1).filled);
  tree_.file("/root/.triton/cache/ABC/cuda_utils.so", "");
  EXPECT_TRUE(read(home).at(1).filled);
}

TEST_F(Places, AFileInTheWayIsNoDirectory) {
  tree_.file("/root", "");
  EXPECT_EQ(read({{"HOME", "/root"}}).at(1).write_errno, ENOTDIR);
}

TEST_F(Places, NoexecAndReadOnlyAreThoseOfTheMount) {
  tree_.directory("/cache").directory("/readonly");
  if (::mount("none", tree_.at("/cache").c_str(), "tmpfs", MS_NOEXEC, "size=1m") != 0)
    GTEST_SKIP() << "nothing can be mounted here";
  const auto cache = look_at_place(*base::RootFs::open(tree_.root()), "/cache/below");
  ::umount(tree_.at("/cache").c_str());
  EXPECT_TRUE(cache.noexec);
  EXPECT_EQ(cache.write_errno, 0);
  EXPECT_LE(cache.free_bytes.value_or(0), 1U << 20U);
  ASSERT_EQ(::mount("none", tree_.at("/readonly").c_str(), "tmpfs", MS_RDONLY, ""), 0);
  const auto readonly = look_at_place(*base::RootFs::open(tree_.root()), "/readonly/below");
  ::umount(tree_.at("/readonly").c_str());
  EXPECT_EQ(readonly.write_errno, EROFS);
  EXPECT_FALSE(readonly.noexec);
}

}  // namespace
}  // namespace gpuinit::node
