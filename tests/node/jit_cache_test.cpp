#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "node/read_node.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

class JitCacheOf : public testing::Test {
 protected:
  Fact<JitCache> read(const std::map<std::string, std::string>& environment) const {
    auto fs = base::RootFs::open(tree_.root());
    EXPECT_TRUE(fs.ok());
    return read_jit_cache(*fs, environment);
  }
  test::Tree tree_;
};

TEST_F(JitCacheOf, IsBelowHomeUnlessThePathIsNamed) {
  tree_.directory("/root").directory("/cache");
  EXPECT_EQ(read({{"HOME", "/root"}})->path, "/root/.nv/ComputeCache");
  EXPECT_EQ(read({{"HOME", "/root"}, {"CUDA_CACHE_PATH", "/cache"}})->path, "/cache");
  EXPECT_EQ(read({{"HOME", "/root"}, {"CUDA_CACHE_PATH", ""}})->path, "/root/.nv/ComputeCache");
}

TEST_F(JitCacheOf, WithoutAHomeOrWithARelativeOneIsUnknown) {
  EXPECT_TRUE(read({}).is_unknown());
  EXPECT_TRUE(read({{"HOME", ""}}).is_unknown());
  EXPECT_TRUE(read({{"HOME", "root"}}).is_unknown());
  EXPECT_TRUE(read({{"HOME", "/root"}, {"CUDA_CACHE_PATH", "cache"}}).is_unknown());
}

TEST_F(JitCacheOf, MayBeMadeWhereTheNearestDirectoryAboveAllowsIt) {
  tree_.directory("/root");
  const auto cache = read({{"HOME", "/root"}});
  EXPECT_EQ(cache->write_errno, 0);
  EXPECT_TRUE(cache->free_bytes.known());
  // Even a HOME that is not there can be made by root in /.
  EXPECT_EQ(read({{"HOME", "/home/user"}})->write_errno, 0);
}

TEST_F(JitCacheOf, AFileInTheWayIsNoDirectory) {
  tree_.file("/root/.nv", "");
  EXPECT_EQ(read({{"HOME", "/root"}})->write_errno, ENOTDIR);
  EXPECT_EQ(read({{"CUDA_CACHE_PATH", "/root/.nv"}})->write_errno, ENOTDIR);
}

TEST_F(JitCacheOf, NeedsTheRightToWrite) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  tree_.directory("/root");
  ::chmod(tree_.at("/root").c_str(), 0555);
  EXPECT_EQ(read({{"HOME", "/root"}})->write_errno, EACCES);
}

}  // namespace
}  // namespace gpuinit::node
