#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The runtime brought nvidia-smi's library and the devices, and no libcuda.
Facts without_compute(const std::string& capabilities) {
  auto story = healthy();
  auto bare = no_gpu_machine();
  bare.driver.kernel_version = Text("570.124.06");
  bare.driver.libnvidia_ml = Text("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1");
  bare.device_nodes = story.node.device_nodes;
  bare.environment->emplace("NVIDIA_DRIVER_CAPABILITIES", capabilities);
  story.node = bare;
  return story;
}

TEST(CudaCapabilities, WithoutComputeThereIsNoLibcuda) {
  for (const char* capabilities : {"utility", "graphics,utility", "video", "compute32,utility"}) {
    const auto story = without_compute(capabilities);
    EXPECT_THAT(verdicts(story), ElementsAre("cuda.capabilities=69")) << capabilities;
    EXPECT_THAT(only(story, "cuda.capabilities").fix, HasSubstr("compute,utility"));
  }
}

TEST(CudaCapabilities, WithComputeTheCauseIsAnother) {
  for (const char* capabilities : {"", " ", "all", "compute,utility", "utility, compute"})
    EXPECT_THAT(verdicts(without_compute(capabilities)), ElementsAre("cuda.libcuda=69"))
        << capabilities;
}

// --gpus was forgotten: the variable is in the image and has nothing to do with it.
TEST(CudaCapabilities, WhereTheRuntimeDidNothingTheListIsNotTheCause) {
  auto story = without_compute("utility");
  story.node.driver.libnvidia_ml = Text::absent();
  story.node.device_nodes = std::vector<DeviceNode>{};
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.libcuda=69"));
}

TEST(CudaCapabilities, ALibcudaFromElsewhereNeedsNone) {
  auto story = healthy();
  story.node.environment->emplace("NVIDIA_DRIVER_CAPABILITIES", "utility");
  EXPECT_THAT(verdicts(story), IsEmpty());
  story.node.driver.libcuda = Fact<LibCuda>::absent();  // the probe loaded one all the same
  EXPECT_THAT(verdicts(story), IsEmpty());
  story = without_compute("utility");
  story.node.driver.libcuda = Fact<LibCuda>::unknown("the cache cannot be read");
  EXPECT_TRUE(says_nothing(story, "cuda.capabilities"));
}

TEST(CudaModuleLoading, EagerIsWorthAWarning) {
  auto story = healthy();
  story.node.environment->emplace("CUDA_MODULE_LOADING", "EAGER");
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~cuda.module-loading"));
  Policy strict;
  strict.checks["cuda.module-loading"] = Level::kFail;
  EXPECT_THAT(verdicts(story, strict), ElementsAre("cuda.module-loading=65"));
  Policy none;
  none.gpu.required = GpuRequired::kNo;
  EXPECT_THAT(verdicts(story, none), IsEmpty());
}

TEST(CudaModuleLoading, WhatItMayBeIsFineAndNonsenseIsNoted) {
  for (const char* value : {"", "LAZY", "DEFAULT"}) {
    auto story = healthy();
    story.node.environment->emplace("CUDA_MODULE_LOADING", value);
    EXPECT_TRUE(says_nothing(story, "cuda.module-loading")) << value;
  }
  auto story = healthy();
  story.node.environment->emplace("CUDA_MODULE_LOADING", "eager");
  EXPECT_EQ(only(story, "cuda.module-loading").severity, Severity::kSkipped);
}

}  // namespace
}  // namespace gpuinit::checks
