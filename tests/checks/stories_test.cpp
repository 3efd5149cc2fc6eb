// Whole failures, as they happen: an image, a node, and what is said of them.
#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Story, AHealthyImageOnAHealthyNodeIsSilent) {
  EXPECT_THAT(verdicts(healthy()), IsEmpty());
  const auto findings = run_checks(healthy(), Policy{});
  // What nobody asked for: no versions are pinned, and no Python is run.
  for (const auto& finding : findings)
    EXPECT_TRUE(finding.id.starts_with("expect.") || finding.id == "python.import" ||
                finding.id == "probe.disagrees")
        << finding.id;
  EXPECT_EQ(judge(findings), Verdict{});
}

TEST(Story, AHandWrittenNodeIsEnough) {
  const auto story = facts(python("3.12.4", "312"), torch_280(),
                           written_by_hand("535.104.05", "12.2", "NVIDIA H100 80GB HBM3", "9.0"));
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(Story, AHandWrittenNodeWithoutTheCudaVersionIsEnough) {
  auto node = written_by_hand("535.104.05", "12.2", "NVIDIA H100 80GB HBM3", "9.0");
  node.driver.cuda_version = Text();
  EXPECT_THAT(verdicts(facts(python("3.12.4", "312"), torch_280(), node)), IsEmpty());
}

TEST(Story, NothingKnownFailsNothing) {
  EXPECT_THAT(verdicts(Facts{}), IsEmpty());
  auto image_only = healthy();
  image_only.node = NodeFacts{};
  EXPECT_THAT(verdicts(image_only), IsEmpty());
  Policy demanding;
  demanding.gpu.required = GpuRequired::kYes;
  demanding.torch.required = true;
  demanding.expect.python = "3.12";
  demanding.expect.driver = ">=535";
  EXPECT_THAT(verdicts(Facts{}, demanding), IsEmpty());
  // A torch of which only the place is known.
  image_only.image.torch = Torch{};
  EXPECT_THAT(verdicts(image_only, demanding), IsEmpty());
}

TEST(Story, AnRtx5090AndATorchThatIsTooOldForIt) {
  const auto story = facts(python("3.10.14", "310"), torch_251(),
                           node("570.124.06", "12.8", {device("NVIDIA GeForce RTX 5090", "12.0")}));
  EXPECT_THAT(verdicts(story), ElementsAre("device.arch=66"));
  const auto finding = only(story, "device.arch");
  EXPECT_EQ(finding.summary,
            "torch has no code for GPU 0 (NVIDIA GeForce RTX 5090, compute capability 12.0)");
  EXPECT_THAT(finding.why, HasSubstr("no kernel image is available"));
  EXPECT_THAT(finding.fix, HasSubstr("sm_120"));
  EXPECT_THAT(finding.fix, HasSubstr("CUDA 12.8"));
}

TEST(Story, ADriverOfAnOlderFamily) {
  const auto story = facts(python("3.12.4", "312"), torch_280(),
                           node("470.256.02", "11.4", {device("Tesla V100-SXM2-16GB", "7.0")}));
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.driver=66"));
  const auto finding = only(story, "cuda.driver");
  EXPECT_EQ(finding.summary,
            "torch needs CUDA 12.8, and the node has driver 470.256.02 (CUDA 11.4)");
  EXPECT_THAT(finding.fix, HasSubstr("a driver >= 525.60.13"));
  EXPECT_THAT(finding.fix, HasSubstr("an image built for CUDA 11.x or older"));
  EXPECT_THAT(finding.why, HasSubstr("CUDA driver version is insufficient"));
}

TEST(Story, MinorVersionCompatibilityIsFineWithMachineCode) {
  const auto story =
      facts(python("3.12.4", "312"), torch_280(), node("535.104.05", "12.2", {h100()}));
  EXPECT_THAT(verdicts(story), IsEmpty());
}

// Each rule alone passes: the driver serves CUDA 12.8, and torch has PTX for the GPU.
TEST(Story, MinorVersionCompatibilityWithPtxOnlyIsTheFailureThatNobodySees) {
  const auto story =
      facts(python("3.12.4", "312"),
            torch("2.7.0+cu128", "12.8", "312", {"sm_80", "sm_90", "compute_90"}, "8.7"),
            node("535.104.05", "12.2", {device("NVIDIA B200", "10.0")}));
  EXPECT_THAT(verdicts(story), ElementsAre("device.arch=66"));
  const auto finding = only(story, "device.arch");
  EXPECT_THAT(finding.summary, HasSubstr("only PTX"));
  EXPECT_THAT(finding.why, HasSubstr("unsupported toolchain\" (222)"));
  EXPECT_THAT(finding.fix, HasSubstr("a driver >= 570.26"));
  EXPECT_EQ(evidence(finding, "PTX ISA"), "8.7, CUDA 12.8");
}

TEST(Story, TheSamePtxOnANewDriverIsOnlySlow) {
  const auto story =
      facts(python("3.12.4", "312"),
            torch("2.7.0+cu128", "12.8", "312", {"sm_80", "sm_90", "compute_90"}, "8.7"),
            node("570.124.06", "12.8", {device("NVIDIA B200", "10.0")}));
  EXPECT_THAT(verdicts(story), ElementsAre("~device.arch"));
  EXPECT_THAT(only(story, "device.arch").why, HasSubstr("minutes"));
}

TEST(Story, NoGpuAtAllIsOneFailureThatSaysWhatToDo) {
  const auto story = facts(python("3.12.4", "312"), torch_280(), no_gpu_machine());
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.libcuda=69"));
  const auto finding = only(story, "cuda.libcuda");
  EXPECT_THAT(finding.summary, HasSubstr("no NVIDIA driver at all"));
  for (const char* word :
       {"--gpus all", "nvidia.com/gpu", "device plugin", "runtimeClassName", "gpu.required"})
    EXPECT_THAT(finding.fix, HasSubstr(word));
  EXPECT_EQ(judge(run_checks(story, Policy{})), (Verdict{Verdict::Word::kFail, kExitNode}));
}

TEST(Story, ALibcudaOfTheImageOnAMachineWithoutGpu) {
  auto bare = no_gpu_machine();
  LibCuda library;
  library.path = "/usr/lib/x86_64-linux-gnu/libcuda.so.1";
  library.kind = "driver";
  library.version = Text("535.183.01");
  bare.driver.libcuda = library;
  bare.driver.cuda_version = Text("12.2");
  bare.probe->load_error = Text::absent();
  bare.probe->init_error = 100;
  bare.devices = std::vector<Device>{};
  const auto story = facts(python("3.12.4", "312"), torch_280(), bare);
  EXPECT_THAT(verdicts(story), ElementsAre("device.present=69"));
  EXPECT_THAT(only(story, "device.present").summary, HasSubstr("no NVIDIA kernel driver"));
}

TEST(Story, ACpuTorchNeedsNoGpu) {
  EXPECT_THAT(verdicts(facts(python("3.12.4", "312"), cpu_torch(), no_gpu_machine())), IsEmpty());
  // Beside a GPU it is worth a word; where a GPU is required it is a failure.
  const auto beside = facts(python("3.12.4", "312"), cpu_torch(), healthy().node);
  EXPECT_THAT(verdicts(beside), ElementsAre("~torch.cuda-build"));
  Policy required;
  required.gpu.required = GpuRequired::kYes;
  EXPECT_THAT(verdicts(beside, required), ElementsAre("torch.cuda-build=65"));
}

TEST(Story, ThePythonOfTheBaseImageWentOn) {
  const auto story = facts(python("3.12.4", "312"), torch_251(), healthy().node);
  EXPECT_THAT(verdicts(story), ElementsAre("python.abi=65"));
  const auto finding = only(story, "python.abi");
  EXPECT_EQ(finding.summary,
            "torch was compiled for CPython 3.10, and the command runs CPython 3.12");
  EXPECT_THAT(finding.why, HasSubstr("No module named 'torch._C'"));
  EXPECT_THAT(finding.fix, HasSubstr("wheel tag cp312"));
}

// A home directory that apptainer mounts: both torches are named, and the variable that helps.
TEST(Story, TheUsersOwnTorchHidesTheImages) {
  auto story = facts(python("3.12.4", "312"), torch_280(), node("535.104.05", "12.2", {h100()}));
  auto& torch = story.image.torch.value();
  torch.sys_path_entry = "/home/u/.local/lib/python3.12/site-packages";
  torch.path = torch.sys_path_entry + "/torch";
  torch.version = Text("2.9.1+cu130");
  torch.cuda = story.image.cuda_runtime->version = Text("13.0");
  EXPECT_THAT(only(story, "cuda.driver").fix, testing::Not(HasSubstr("PYTHONNOUSERSITE")));
  torch.shadowed = {"/usr/local/lib/python3.12/site-packages/torch"};
  const auto finding = only(story, "cuda.driver");
  EXPECT_EQ(evidence(finding, "user site"),
            "/home/u/.local/lib/python3.12/site-packages/torch hides "
            "/usr/local/lib/python3.12/site-packages/torch");
  EXPECT_THAT(finding.fix, testing::StartsWith("The torch is the user's own"));
  EXPECT_THAT(finding.fix, HasSubstr("PYTHONNOUSERSITE=1"));
  // A torch that works hides what it likes.
  torch = torch_280();
  torch.sys_path_entry = "/home/u/.local/lib/python3.12/site-packages";
  torch.path = torch.sys_path_entry + "/torch";
  torch.shadowed = {"/usr/local/lib/python3.12/site-packages/torch"};
  story.image.cuda_runtime->version = Text("12.8");
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(Story, AFreeThreadedPythonAndAnOrdinaryTorch) {
  const auto story = facts(python("3.13.1", "313t"), torch_280("313"), healthy().node);
  EXPECT_THAT(verdicts(story), ElementsAre("python.abi=65"));
  EXPECT_EQ(only(story, "python.abi").summary,
            "torch was compiled for CPython 3.13, and the command runs free-threaded CPython 3.13");
  EXPECT_THAT(only(story, "python.abi").fix, HasSubstr("cp313t"));
}

TEST(Story, AlpineWithAWheelForGlibc) {
  auto alpine = python("3.12.4", "312");
  alpine.soabi = Text("cpython-312-x86_64-linux-musl");
  alpine.libc = Text("musl");
  auto bare = healthy().node;
  bare.probe->outcome = ProbeRun::Outcome::kNoLoader;
  bare.probe->load_error = Text::unknown("no loader");
  bare.probe->init_error = Fact<int>::unknown("no loader");
  bare.driver.cuda_version = Text::unknown("no loader");
  bare.devices = Fact<std::vector<Device>>::unknown("no loader");
  EXPECT_THAT(verdicts(facts(alpine, torch_280(), bare)), ElementsAre("python.abi=65"));
  // An older Alpine calls itself gnu.
  alpine.soabi = Text(soabi("312"));
  const auto story = facts(alpine, torch_280(), bare);
  EXPECT_THAT(verdicts(story), ElementsAre("python.abi=65"));
  EXPECT_THAT(only(story, "python.abi").why, HasSubstr("ld-linux-x86-64.so.2"));
  auto arm = story;
  arm.node.machine = arm.image.interpreter->machine = arm.image.torch->machine = Text("aarch64");
  EXPECT_THAT(only(arm, "python.abi").why, HasSubstr("ld-linux-aarch64.so.1"));
}

TEST(Story, AGeForceBehindACompatLibrary) {
  auto geforce = node("535.104.05", "12.8", {device("NVIDIA GeForce RTX 4090", "8.9")});
  geforce.driver.libcuda->kind = "forward-compat";
  geforce.driver.libcuda->path = "/usr/local/cuda/compat/libcuda.so.1";
  geforce.driver.libcuda->version = Text("570.86.10");
  geforce.probe->init_error = 804;
  geforce.devices = Fact<std::vector<Device>>::unknown("cuInit: CUDA error 804");
  const auto story = facts(python("3.12.4", "312"), torch_280(), geforce);
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.compat=66"));
  EXPECT_THAT(only(story, "cuda.compat").why, HasSubstr("non supported HW"));
}

TEST(Story, AFabricThatIsNotReadyYet) {
  auto hgx = healthy();
  hgx.node.probe->init_error = 802;
  hgx.node.devices = Fact<std::vector<Device>>::unknown("cuInit: CUDA error 802");
  EXPECT_THAT(verdicts(hgx), ElementsAre("device.present=75"));
  EXPECT_THAT(only(hgx, "device.present").fix, HasSubstr("fabricmanager"));
}

TEST(Story, SeveralFailuresAreDecidedByTheLeastRetryable) {
  auto story = healthy();
  story.image.torch = torch_251();
  story.node.devices = std::vector<Device>{device("NVIDIA GeForce RTX 5090", "12.0")};
  Policy policy;
  policy.gpu.count = ">=8";
  EXPECT_THAT(verdicts(story, policy),
              ElementsAre("python.abi=65", "device.present=69", "device.arch=66"));
  EXPECT_EQ(judge(run_checks(story, policy)).exit_code, kExitImage);
}

TEST(Story, AMissingPythonIsSaidOnce) {
  Facts story;
  story.image.command = {"python", "train.py"};
  story.image.program = Fact<Program>::absent("`python` is not on PATH");
  story.image.interpreter = Fact<Interpreter>::absent("`python` is not on PATH");
  story.node = no_gpu_machine();
  Policy policy;
  policy.torch.required = true;
  policy.expect.python = "3.12";
  policy.expect.torch = "2.8";
  policy.expect.cuda = "12.8";
  EXPECT_THAT(verdicts(story, policy), ElementsAre("python.interpreter=65"));
}

TEST(Story, AnImageWithoutPythonMayRunWhatItLikes) {
  Facts story;
  story.image.command = {"nginx", "-g", "daemon off;"};
  story.image.interpreter =
      Fact<Interpreter>::absent("`nginx` is not Python, and neither python3 nor python is on PATH");
  story.node = no_gpu_machine();
  EXPECT_THAT(verdicts(story), IsEmpty());
}

TEST(Story, DockerBuildJudgesTheImageAlone) {
  Policy build;
  build.gpu.required = GpuRequired::kNo;
  build.torch.required = true;
  build.warmup.context = false;
  EXPECT_THAT(verdicts(facts(python("3.12.4", "312"), torch_280(), no_gpu_machine()), build),
              IsEmpty());
  EXPECT_THAT(verdicts(facts(python("3.12.4", "312"), torch_251(), no_gpu_machine()), build),
              ElementsAre("python.abi=65"));
}

TEST(Story, JetsonAndWslKnowLittleAndFailNothing) {
  // WSL: no kernel version, /dev/dxg, a libcuda without a release.
  auto wsl = healthy();
  wsl.node.driver.kernel_version = Text::unknown("WSL");
  wsl.node.driver.libcuda->path = "/usr/lib/wsl/lib/libcuda.so.1";
  wsl.node.driver.libcuda->version = Text::unknown("no release in its name");
  wsl.node.device_nodes = std::vector<DeviceNode>{{"/dev/dxg", 0}};
  EXPECT_THAT(verdicts(wsl), IsEmpty());
  wsl.node.driver.cuda_version = Text("12.4");
  EXPECT_THAT(verdicts(wsl), IsEmpty());
  // Jetson: libcuda.so.1.1, other nodes; sm_80 code on an 8.7 is doubtful, not wrong.
  auto jetson = healthy();
  jetson.node.driver.kernel_version = Text::unknown("Tegra");
  jetson.node.driver.libcuda->version = Text("1.1");
  jetson.node.device_nodes = std::vector<DeviceNode>{};
  jetson.node.driver.cuda_version = Text("12.8");
  jetson.node.devices = std::vector<Device>{device("Orin", "8.7")};
  EXPECT_THAT(verdicts(jetson), ElementsAre("~device.arch"));
}

TEST(Story, ACgroupThatLostItsDeviceRule) {
  auto story = healthy();
  story.node.device_nodes =
      std::vector<DeviceNode>{{"/dev/nvidiactl", EPERM}, {"/dev/nvidia0", EPERM}};
  story.node.probe->init_error = 100;
  story.node.devices = std::vector<Device>{};
  EXPECT_THAT(verdicts(story), ElementsAre("device.permissions=77"));
}

}  // namespace
}  // namespace gpuinit::checks
