#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kId = "cuda.driver";

Facts on(const std::string& runtime, const std::string& kernel, const std::string& cuda) {
  auto story = healthy();
  story.image.torch->cuda = Text(runtime);
  story.image.cuda_runtime->version = Text(runtime);
  story.node = written_by_hand(kernel, cuda, "NVIDIA H100 80GB HBM3", "9.0");
  if (cuda.empty()) story.node.driver.cuda_version = Text();
  return story;
}

struct Case {
  const char* runtime;
  const char* kernel;
  const char* cuda;  // "": only the kernel driver is known
  std::optional<Severity> severity;
};

TEST(CudaDriver, ServesOrDoesNot) {
  const Case cases[] = {
      {"12.8", "570.124.06", "12.8", std::nullopt},
      {"12.8", "580.65.06", "13.0", std::nullopt},
      {"11.8", "580.65.06", "13.0", std::nullopt},
      {"12.8", "535.104.05", "12.2", std::nullopt},
      {"12.8", "525.60.13", "12.0", std::nullopt},
      {"12.8", "525.53", "12.0", Severity::kFail},
      {"12.8", "470.256.02", "11.4", Severity::kFail},
      {"13.0", "575.57.08", "12.9", Severity::kFail},
      {"10.2", "418.39", "10.1", Severity::kFail},
      // From the kernel driver's release alone.
      {"12.8", "570.124.06", "", std::nullopt},
      {"12.8", "470.256.02", "", Severity::kFail},
      {"13.0", "600.10", "", std::nullopt},
      {"13.5", "600.10", "", Severity::kUndecided},
      {"12.8", "35.3.1", "", Severity::kUndecided},
      {"12.8", "361.93", "", Severity::kUndecided},
      {"latest", "570.124.06", "12.8", Severity::kUndecided},
  };
  for (const auto& test : cases) {
    const auto story = on(test.runtime, test.kernel, test.cuda);
    if (!test.severity) EXPECT_TRUE(says_nothing(story, kId)) << test.runtime << test.kernel;
    else EXPECT_EQ(only(story, kId).severity, *test.severity) << test.runtime << test.kernel;
  }
}

TEST(CudaDriver, SaysWhichDriverOrWhichImageWouldDo) {
  const auto below = only(on("12.8", "525.53", "12.0"), kId);
  EXPECT_EQ(below.exit_code, kExitFit);
  EXPECT_THAT(below.why, HasSubstr("not below 525.60.13"));
  EXPECT_EQ(below.needs, "12.8");
  EXPECT_EQ(below.has, "12.0");
  const auto old = only(on("13.0", "575.57.08", "12.9"), kId);
  EXPECT_THAT(old.fix, HasSubstr("a driver >= 580 on the node (580.65.06 or newer"));
  EXPECT_THAT(
      old.fix,
      HasSubstr("an image built for CUDA 12.x or older (`/usr/local/bin/python3.12 -m pip install "
                "--force-reinstall torch --index-url https://download.pytorch.org/whl/cu129`)"));
  EXPECT_THAT(only(on("13.0", "535.104.05", "12.2"), kId).fix, HasSubstr("/cu121`)"));
  EXPECT_THAT(below.fix, HasSubstr("/cu118`)"));
  EXPECT_THAT(only(on("13.2", "575.57.08", "13.1"), kId).fix, HasSubstr("/cu129`)"));
  EXPECT_THAT(only(on("14.0", "590.48.01", "13.1"), kId).fix, HasSubstr("/cu130`)"));
  EXPECT_THAT(only(on("14.0", "580.65.06", "13.0"), kId).fix, HasSubstr("/cu130`)"));
  EXPECT_THAT(only(on("12.8", "418.39", "10.1"), kId).fix, testing::Not(HasSubstr("--index-url")));
  EXPECT_THAT(old.fix, HasSubstr("cuda-compat-13-0"));
  const auto ancient = only(on("10.2", "418.39", "10.1"), kId);
  EXPECT_THAT(ancient.fix, HasSubstr("a driver >= 440.33"));
  EXPECT_THAT(ancient.fix, HasSubstr("an image built for CUDA 10.1 or older"));
}

TEST(CudaDriver, AnNgcShellMayStillBringCompat) {
  auto story = on("13.0", "535.104.05", "12.2");
  story.image.torch->layout = Text("ngc");
  EXPECT_EQ(only(story, kId).severity, Severity::kFail);
  story.image.command = {"/opt/nvidia/nvidia_entrypoint.sh", "python", "train.py"};
  story.image.interpreter->from_command = false;
  EXPECT_EQ(only(story, kId).severity, Severity::kWarn);
}

TEST(CudaDriver, WarnsOfALibcudartOfAnotherFamily) {
  auto story = healthy();
  CudaRuntime runtime;
  runtime.soname = "libcudart.so.12";
  runtime.path = "/usr/local/cuda/lib64/libcudart.so.12";
  runtime.found_by = "LD_LIBRARY_PATH";
  runtime.version = Text("12.4.127");
  story.image.cuda_runtime = runtime;
  EXPECT_TRUE(says_nothing(story, kId));
  story.image.cuda_runtime->version = Text("11.8.89");
  EXPECT_EQ(only(story, kId).severity, Severity::kWarn);
}

// The check of that itself is cuda.compat.
TEST(CudaDriver, ForwardCompatibilityServes) {
  auto story = on("12.8", "535.104.05", "12.8");
  LibCuda library;
  library.kind = "forward-compat";
  library.version = Text("570.86.10");
  story.node.driver.libcuda = library;
  EXPECT_TRUE(says_nothing(story, kId));
  library.compat_note = CompatNote{"12.8", {550}};
  story.node.driver.libcuda = library;
  EXPECT_EQ(only(story, kId).summary, "cuda.compat failed");
  Policy policy;
  policy.checks["cuda.compat"] = Level::kWarn;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("~cuda.compat", "cuda.driver=66"));
}

TEST(CudaDriver, SkippedAndUnknown) {
  auto story = healthy();
  story.image.torch = cpu_torch();
  EXPECT_EQ(only(story, kId).severity, Severity::kSkipped);
  Policy required;
  required.gpu.required = GpuRequired::kYes;
  EXPECT_EQ(only(story, kId, required).severity, Severity::kSkipped);
  story = healthy();
  story.node = NodeFacts{};
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  // A libcuda of unknown making tells nothing, whatever the kernel driver is.
  story = on("12.8", "470.256.02", "");
  LibCuda library;
  library.kind = "forward-compat";
  story.node.driver.libcuda = library;
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
}

TEST(CudaDriver, ItsFailureSilencesWhatFollowsFromIt) {
  auto story = on("12.8", "470.256.02", "11.4");
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit");
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.driver=66"));
  EXPECT_EQ(only(story, "device.arch").summary, "cuda.driver failed");
}

}  // namespace
}  // namespace gpuinit::checks
