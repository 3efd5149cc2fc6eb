#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/read_node.h"

namespace gpuinit::node {
namespace {

TEST(Environment, KeepsWhatSteersCuda) {
  for (const char* name :
       {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_REQUIRE_CUDA",
        "NVIDIA_REQUIRE_JETPACK_HOST_MOUNTS", "NVIDIA_DISABLE_REQUIRE", "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER", "CUDA_MODULE_LOADING", "CUDA_CACHE_PATH", "CUDA_CACHE_MAXSIZE",
        "CUDA_CACHE_DISABLE", "CUDA_DISABLE_PTX_JIT", "CUDA_FORCE_PTX_JIT", "LD_LIBRARY_PATH",
        "LD_PRELOAD", "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"})
    EXPECT_TRUE(steers_cuda(name)) << name;
}

// Facts are attached to bug reports: nothing else may slip in.
TEST(Environment, KeepsNothingElse) {
  for (const char* name : {"AWS_SECRET_ACCESS_KEY", "HOME", "PATH", "NVIDIA_API_KEY", "CUDA_HOME",
                           "", "CUDA_VISIBLE_DEVICES2", "cuda_visible_devices", "NGC_API_KEY"})
    EXPECT_FALSE(steers_cuda(name)) << name;
}

TEST(Environment, AnEmptyValueIsKeptAndAnUnsetOneIsNot) {
  const auto kept = cuda_environment({{"CUDA_VISIBLE_DEVICES", ""}, {"HOME", "/root"}});
  EXPECT_THAT(kept, testing::ElementsAre(testing::Pair("CUDA_VISIBLE_DEVICES", "")));
}

}  // namespace
}  // namespace gpuinit::node
