#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId = "cuda.jit-cache";

// A B200 that torch reaches by PTX alone.
Facts by_ptx() {
  return facts(python("3.12.4", "312"),
               torch("2.7.0+cu128", "12.8", "312", {"sm_80", "sm_90", "compute_90"}, "8.7"),
               node("570.124.06", "12.8", {device("NVIDIA B200", "10.0")}));
}

TEST(CudaJitCache, ACacheThatKeepsTheResultIsFine) {
  EXPECT_THAT(verdicts(by_ptx()), ElementsAre("~device.arch"));
}

TEST(CudaJitCache, ACacheThatCannotBeWrittenIsWorthAWarning) {
  for (const int error : {EACCES, EROFS, ENOTDIR}) {
    auto story = by_ptx();
    story.node.jit_cache->write_errno = error;
    EXPECT_THAT(verdicts(story, usual()), ElementsAre("~device.arch", "~cuda.jit-cache")) << error;
    EXPECT_THAT(only(story, kId).summary, HasSubstr("/root/.nv/ComputeCache cannot be written"));
  }
  auto story = by_ptx();
  story.node.jit_cache->free_bytes = 1 << 20;
  EXPECT_THAT(only(story, kId).summary, HasSubstr("is full"));
}

TEST(CudaJitCache, OrOneThatIsSwitchedOff) {
  auto story = by_ptx();
  story.node.environment->emplace("CUDA_CACHE_DISABLE", "1");
  EXPECT_THAT(only(story, kId).summary, HasSubstr("CUDA_CACHE_DISABLE=1"));
  story = by_ptx();
  story.node.environment->emplace("CUDA_CACHE_MAXSIZE", "0");
  EXPECT_THAT(only(story, kId).summary, HasSubstr("CUDA_CACHE_MAXSIZE"));
  for (const char* value : {"0", ""}) {
    story = by_ptx();
    story.node.environment->emplace("CUDA_CACHE_DISABLE", value);
    EXPECT_TRUE(says_nothing(story, kId)) << value;
  }
}

TEST(CudaJitCache, WhereNothingIsCompiledNothingNeedsToBeKept) {
  auto story = healthy();
  story.node.jit_cache->write_errno = EROFS;
  story.node.environment->emplace("CUDA_CACHE_DISABLE", "1");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(CudaJitCache, AnUnknownCacheIsNoObstacle) {
  auto story = by_ptx();
  story.node.jit_cache = Fact<JitCache>::unknown("HOME is not set");
  EXPECT_TRUE(says_nothing(story, kId));
  story.node.jit_cache = JitCache{"/c", 0, Fact<std::uint64_t>::unknown("statvfs")};
  EXPECT_TRUE(says_nothing(story, kId));
}

}  // namespace
}  // namespace gpuinit::checks
