// Healthy machines that look odd: none of them is worth a word.
#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1ULL << 20;

TEST(QuietStory, AMigInstance) {
  auto story = healthy();
  Device instance = device("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "8.0");
  instance.uuid = Text("MIG-c788539f-c1ea-5a36-8b4d-9b07d024b1bb");
  instance.mig = true;
  story.node.devices = std::vector<Device>{instance};
  story.node.environment->emplace("NVIDIA_VISIBLE_DEVICES", *instance.uuid);
  story.node.environment->emplace("NVIDIA_REQUIRE_CUDA", "cuda>=12.8 brand=tesla,driver>=535");
  EXPECT_THAT(verdicts(story), IsEmpty());
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", *instance.uuid);
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(QuietStory, MpsWithAnExclusiveGpu) {
  auto story = healthy();
  for (auto& gpu : story.node.devices.value()) gpu.compute_mode = Text("exclusive-process");
  story.node.environment->emplace("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps");
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", "0,1");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

// Time-slicing gives replicas of one GPU; the container sees that GPU and no more.
TEST(QuietStory, ATimeSlicedGpu) {
  auto story = healthy();
  story.node = node("570.124.06", "12.8", {device("Tesla T4", "7.5")});
  story.node.environment->emplace("NVIDIA_VISIBLE_DEVICES", "GPU-0f6d4b4f-0000::3");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

// CDI: the container's /proc shows all eight GPUs of the node, its /dev has one, and the
// others' files may not even be there.
TEST(QuietStory, OneGpuOfEight) {
  auto story = healthy();
  story.node = node("570.124.06", "12.8", {h100()});
  for (int i = 1; i < 8; ++i)
    story.node.kernel_gpus->push_back(
        {"0000:0" + std::to_string(i) + ":00.0", Text("NVIDIA H100 80GB HBM3"), Text(), i});
  story.node.device_nodes->push_back({"/dev/nvidia3", EPERM});
  story.node.device_nodes->push_back({"/dev/nvidia-modeset", EACCES});
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", "0");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(QuietStory, Wsl) {
  auto story = healthy();
  story.node.driver.kernel_version = Text::unknown("WSL");
  story.node.driver.libcuda->path = "/usr/lib/wsl/lib/libcuda.so.1";
  story.node.driver.libcuda->version = Text::unknown("no release in its name");
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/dxg", 0}};
  story.node.kernel_gpus = Fact<std::vector<KernelGpu>>::unknown("no such directory");
  story.node.devices = std::vector<Device>{device("NVIDIA GeForce RTX 4090", "8.9")};
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", "0");
  story.node.environment->emplace("NVIDIA_REQUIRE_CUDA",
                                  "cuda>=12.8 brand=geforce,driver>=535,driver<536");
  EXPECT_THAT(verdicts(story), IsEmpty());
  // And where nobody could ask.
  story.node.probe = Fact<ProbeRun>::unknown("not run");
  story.node.devices = Fact<std::vector<Device>>::unknown("not run");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(QuietStory, Jetson) {
  auto story = healthy();
  story.image.interpreter->machine = story.image.torch->machine = Text("aarch64");
  story.node.machine = story.node.kernel_machine = Text("aarch64");
  story.image.torch->device_code->groups.front().targets = {"sm_87"};
  story.node.driver.kernel_version = Text::unknown("Tegra");
  story.node.driver.libcuda->path = "/usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1";
  story.node.driver.libcuda->version = Text::unknown("no release in its name");
  story.node.driver.libnvidia_ml = Text::absent("the loader finds none");
  story.node.device_nodes = std::vector<DeviceNode>{};
  story.node.kernel_gpus = Fact<std::vector<KernelGpu>>::unknown("no such directory");
  story.node.devices = std::vector<Device>{device("Orin", "8.7")};
  story.node.environment->emplace("CUDA_VISIBLE_DEVICES", "0");
  story.node.environment->emplace("NVIDIA_REQUIRE_JETPACK", "csv-mounts=all");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

// docker's own limits beside a torch that never sees a GPU.
TEST(QuietStory, ACpuJobInADefaultContainer) {
  auto story = facts(python("3.12.4", "312"), cpu_torch(), no_gpu_machine());
  story.node.machine = Text("x86_64");
  story.node.shared_memory = SharedMemory{64 * kMiB, 64 * kMiB};
  story.node.limits = {std::uint64_t{65536}, false};
  story.node.rdma_devices = std::vector<std::string>{"/dev/infiniband/uverbs0"};
  story.node.environment = std::map<std::string, std::string>{
      {"CUDA_VISIBLE_DEVICES", ""},
      {"NVIDIA_DRIVER_CAPABILITIES", "utility"},
      {"CUDA_MODULE_LOADING", "EAGER"},
      {"NVIDIA_REQUIRE_CUDA", "cuda>=12.8"},
  };
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(QuietStory, DockerBuildOfACudaImage) {
  auto story = facts(python("3.12.4", "312"), torch_280(), no_gpu_machine());
  story.node.machine = Text("x86_64");
  story.node.shared_memory = SharedMemory{64 * kMiB, 64 * kMiB};
  story.node.environment = std::map<std::string, std::string>{
      {"NVIDIA_VISIBLE_DEVICES", "all"},
      {"NVIDIA_DRIVER_CAPABILITIES", "compute,utility"},
      {"NVIDIA_REQUIRE_CUDA", "cuda>=12.8 brand=tesla,driver>=535,driver<536"},
  };
  story.image.compat_libraries = std::vector<CompatLibrary>{
      {"/usr/local/cuda/compat", "/usr/local/cuda-12.8/compat/libcuda.so.570.86.10",
       Text("570.86.10"), Fact<CompatNote>::absent()}};
  Policy build;
  build.gpu.required = GpuRequired::kNo;
  build.torch.required = true;
  EXPECT_THAT(verdicts(story, build), IsEmpty());
}

// What NVIDIA's container toolkit does with cuda-compat in front of a data-center driver.
TEST(QuietStory, ForwardCompatibilityThatWorks) {
  auto story = healthy();
  story.node = node("535.104.05", "12.8", {h100()});
  story.node.driver.libcuda->kind = "forward-compat";
  story.node.driver.libcuda->version = Text("570.86.10");
  story.node.driver.libcuda->hides = {"/usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05"};
  story.node.environment->emplace("NVIDIA_REQUIRE_CUDA",
                                  "cuda>=12.8 brand=tesla,driver>=535,driver<536");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

}  // namespace
}  // namespace gpuinit::checks
