#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kId = "cuda.libcuda";

// The library is found, and nobody tried to load it.
Facts not_probed() {
  auto story = healthy();
  story.node.probe = Fact<ProbeRun>::unknown("not run");
  story.node.driver.cuda_version = Text::unknown("not run");
  story.node.devices = Fact<std::vector<Device>>::unknown("not run");
  return story;
}

TEST(CudaLibcuda, PassesTheDriversOwn) {
  EXPECT_TRUE(says_nothing(healthy(), kId));
  EXPECT_TRUE(says_nothing(not_probed(), kId));
}

TEST(CudaLibcuda, AbsentFails) {
  auto story = not_probed();
  story.node.driver.libcuda = Fact<LibCuda>::absent();
  auto finding = only(story, kId);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitNode);
  EXPECT_THAT(finding.summary, HasSubstr("570.124.06, but no libcuda.so.1"));
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.libcuda=69"));
  story.node.environment->emplace("NVIDIA_DRIVER_CAPABILITIES", "graphics,utility");
  EXPECT_EQ(only(story, kId).summary, "cuda.capabilities failed");
}

TEST(CudaLibcuda, WhereTheLoaderDoesNotLookNoRuntimeIsMissing) {
  auto story = not_probed();
  story.node.driver.libcuda = Fact<LibCuda>::absent();
  story.node.driver.libcuda_elsewhere = Text("/usr/lib/wsl/lib/libcuda.so.1");
  auto finding = only(story, kId);
  EXPECT_EQ(finding.exit_code, kExitNode);
  EXPECT_EQ(finding.summary,
            "libcuda.so.1 lies in /usr/lib/wsl/lib, where the loader does not look");
  EXPECT_THAT(finding.fix, HasSubstr("LD_LIBRARY_PATH=/usr/lib/wsl/lib, or"));
  EXPECT_THAT(finding.fix, testing::Not(HasSubstr("--gpus")));
  story.node.environment->emplace("LD_LIBRARY_PATH", "/opt/lib");
  EXPECT_THAT(only(story, kId).fix, HasSubstr("=/usr/lib/wsl/lib:$LD_LIBRARY_PATH"));
}

TEST(CudaLibcuda, AnEmptyDeviceNodeIsNoDriver) {
  auto story = healthy();
  story.node = no_gpu_machine();
  story.node.driver.kernel_version = Text::unknown("/dev/nvidiactl is there, but no version");
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidiactl", ENXIO}};
  EXPECT_THAT(only(story, kId).summary, HasSubstr("no NVIDIA driver at all"));
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidiactl", 0}};
  EXPECT_EQ(only(story, kId).summary, "there is no libcuda.so.1 in the container");
}

TEST(CudaLibcuda, TheProbeIsTheTruth) {
  auto story = healthy();
  story.node.driver.libcuda = Fact<LibCuda>::absent();
  EXPECT_TRUE(says_nothing(story, kId));
  story = healthy();
  story.node.driver.libcuda->kind = "stub";
  EXPECT_TRUE(says_nothing(story, kId));
  story = healthy();
  story.node.driver.libcuda->version = Text("535.104.05");
  EXPECT_TRUE(says_nothing(story, kId));
  story.node.probe->load_error = Text("libcuda.so.1: file too short");
  EXPECT_THAT(only(story, kId).summary, HasSubstr("file too short"));
}

TEST(CudaLibcuda, AStubFails) {
  auto story = not_probed();
  story.node.driver.libcuda->kind = "stub";
  story.node.environment->emplace("LD_LIBRARY_PATH", "/usr/local/cuda/lib64/stubs");
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.exit_code, kExitNode);
  EXPECT_THAT(finding.summary, HasSubstr("stub"));
  EXPECT_THAT(evidence(finding, "LD_LIBRARY_PATH"), HasSubstr("stubs"));
  story = healthy();
  story.node.driver.libcuda = Fact<LibCuda>::unknown("cache cannot be read");
  story.node.probe->init_error = 34;
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit: CUDA error 34");
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.libcuda=69"));
}

TEST(CudaLibcuda, AnotherReleaseThanTheKernelDriverFails) {
  auto story = not_probed();
  story.node.driver.libcuda->version = Text("570.86.10");
  auto finding = only(story, kId);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.summary,
            "libcuda.so.1 is of driver 570.86.10, and the kernel driver is 570.124.06");
  EXPECT_THAT(finding.why, HasSubstr("803"));
  // Not where the names say too little, the library is a compat one, or Windows is below.
  for (const char* release : {"570.124", "1.1", "570.124.6"}) {
    story.node.driver.libcuda->version = Text(release);
    EXPECT_TRUE(says_nothing(story, kId)) << release;
  }
  story.node.driver.libcuda->version = Text("570.86.10");
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/dxg", 0}};
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(CudaLibcuda, Error803OfTheDriversOwnLibraryIsTheNodesFault) {
  auto story = healthy();
  story.node.probe->init_error = 803;
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit: CUDA error 803");
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.libcuda=69"));
  story.node.driver.libcuda->kind = "forward-compat";
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.compat=66"));
}

TEST(CudaLibcuda, SkippedAndUnknown) {
  Policy none;
  none.gpu.required = GpuRequired::kNo;
  EXPECT_EQ(only(healthy(), kId, none).severity, Severity::kSkipped);
  auto story = not_probed();
  story.node.driver.libcuda = Fact<LibCuda>::unknown("the cache cannot be read");
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story = healthy();
  story.image.torch->cuda = Text::unknown("why");
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story.image.torch = Fact<Torch>::absent();
  EXPECT_EQ(only(story, kId).severity, Severity::kSkipped);
}

TEST(CudaLibcuda, AGpuThatIsRequiredIsRequiredWithoutTorchToo) {
  auto story = healthy();
  story.image.torch = Fact<Torch>::absent();
  story.node = no_gpu_machine();
  Policy policy;
  policy.gpu.required = GpuRequired::kYes;
  EXPECT_THAT(verdicts(story, policy), ElementsAre("cuda.libcuda=69"));
}

TEST(CudaLibcuda, AMissingGlibcLoaderIsAFailureOnlyInAMuslImage) {
  auto story = not_probed();
  ProbeRun run;
  run.outcome = ProbeRun::Outcome::kNoLoader;
  run.detail = "/lib64/ld-linux-x86-64.so.2 is not there";
  story.node.probe = run;
  EXPECT_TRUE(says_nothing(story, kId));  // as on NixOS
  story.image.interpreter->libc = Text("musl");
  story.image.torch->wheel_tags = Fact<std::vector<std::string>>::absent();
  EXPECT_EQ(only(story, kId).exit_code, kExitImage);
}

}  // namespace
}  // namespace gpuinit::checks
