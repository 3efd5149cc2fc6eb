#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId = "device.mode";

Device in_mode(const std::string& mode, int error = 0) {
  Device gpu = h100();
  gpu.compute_mode = mode;
  gpu.context->cuda_error = error;
  if (error != 0) {
    gpu.context->step = "cuDevicePrimaryCtxRetain";
    gpu.context->result_correct = false;
    gpu.context->kernel_ran = false;
  }
  return gpu;
}

Facts with(std::vector<Device> devices) {
  auto story = healthy();
  story.node.devices = std::move(devices);
  return story;
}

TEST(DeviceMode, AProhibitedGpuIsTheNodesFault) {
  const auto story = with({h100(), in_mode("prohibited", 46)});
  EXPECT_THAT(verdicts(story), ElementsAre("device.mode=69"));
  EXPECT_EQ(only(story, kId).summary, "GPU 1 is in compute mode prohibited");
  EXPECT_THAT(only(story, kId).fix, HasSubstr("`nvidia-smi -c DEFAULT`"));
}

TEST(DeviceMode, WithoutATrialAllOfThemMustBeProhibited) {
  auto prohibited = in_mode("prohibited");
  prohibited.context = Fact<ContextTrial>::unknown("not asked for");
  EXPECT_THAT(verdicts(with({prohibited})), ElementsAre("device.mode=69"));
  EXPECT_THAT(verdicts(with({h100(), prohibited})), ElementsAre("~device.mode"));
}

TEST(DeviceMode, AnExclusiveGpuThatAnotherProcessHasIsBusy) {
  for (const char* mode : {"exclusive-process", "exclusive"}) {
    const auto story = with({in_mode(mode, 46), in_mode(mode, 46)});
    EXPECT_THAT(verdicts(story), ElementsAre("device.mode=75")) << mode;
    EXPECT_THAT(only(story, kId).summary, HasSubstr("GPUs 0, 1 are in an exclusive"));
  }
}

TEST(DeviceMode, AnExclusiveGpuThatWorksIsFine) {
  EXPECT_THAT(verdicts(with({in_mode("exclusive-process"), in_mode("exclusive-process")})),
              IsEmpty());
  EXPECT_THAT(verdicts(with({in_mode("prohibited")})), IsEmpty());  // the driver knows better
}

TEST(DeviceMode, BusyInTheDefaultModeIsNotAModesFault) {
  EXPECT_THAT(verdicts(with({in_mode("default", 46)})), ElementsAre("device.context=75"));
  // And another GPU's other trouble is said beside it.
  EXPECT_THAT(verdicts(with({in_mode("prohibited", 46), in_mode("default", 719)})),
              ElementsAre("device.mode=69", "device.context=69"));
}

TEST(DeviceMode, AWarningDoesNotSilenceDeviceContext) {
  Policy policy;
  policy.checks[kId] = Level::kWarn;
  EXPECT_THAT(verdicts(with({in_mode("prohibited", 46)}), policy),
              ElementsAre("~device.mode", "device.context=75"));
}

Facts init_says_3() {
  auto story = healthy();
  story.node.probe->init_error = 3;
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit: CUDA error 3");
  return story;
}

TEST(DeviceMode, MigWithoutAnInstance) {
  const auto story = init_says_3();  // the kernel driver says: H100
  EXPECT_THAT(verdicts(story), ElementsAre("device.mode=69"));
  EXPECT_EQ(evidence(only(story, kId), "sign of MIG"), "NVIDIA H100 80GB HBM3");
  auto asked = init_says_3();
  asked.node.kernel_gpus = Fact<std::vector<KernelGpu>>();
  asked.node.environment->emplace("NVIDIA_VISIBLE_DEVICES", "MIG-c788539f");
  EXPECT_THAT(verdicts(asked), ElementsAre("device.mode=69"));
}

TEST(DeviceMode, Error3WithoutASignOfMigIsLeftToDevicePresent) {
  auto story = init_says_3();
  for (auto& gpu : story.node.kernel_gpus.value()) gpu.name = Text("Tesla T4");
  EXPECT_THAT(verdicts(story), ElementsAre("device.present=69"));
  story.node.kernel_gpus = Fact<std::vector<KernelGpu>>();
  EXPECT_THAT(verdicts(story), ElementsAre("device.present=69"));
}

}  // namespace
}  // namespace gpuinit::checks
