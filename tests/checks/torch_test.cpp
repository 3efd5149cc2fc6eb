#include <cerrno>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;

const std::string kInstall = "torch.install";
const std::string kBuild = "torch.cuda-build";

Policy required() {
  Policy policy;
  policy.torch.required = true;
  return policy;
}

Policy gpu(GpuRequired needed) {
  Policy policy;
  policy.gpu.required = needed;
  return policy;
}

TEST(TorchInstall, PassesAWholeTorch) {
  EXPECT_TRUE(says_nothing(healthy(), kInstall));
  // Another torch further on is common (a venv over the system's) and harmless.
  auto story = healthy();
  story.image.torch->shadowed = {"/usr/lib/python3/dist-packages/torch"};
  EXPECT_TRUE(says_nothing(story, kInstall));
}

TEST(TorchInstall, NoTorchFailsOnlyWhereItIsRequired) {
  auto story = healthy();
  story.image.torch = Fact<Torch>::absent("nothing on sys.path is called torch");
  EXPECT_EQ(only(story, kInstall).severity, Severity::kSkipped);
  const auto finding = only(story, kInstall, required());
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_THAT(finding.why, HasSubstr("No module named 'torch'"));
  EXPECT_THAT(evidence(finding, "sys.path"), HasSubstr("site-packages"));
}

TEST(TorchInstall, ADirectoryCalledTorchHidesTheRealOne) {
  auto story = healthy();
  Torch impostor;
  impostor.path = "/app/torch";
  impostor.sys_path_entry = "/app";
  impostor.shadowed = {"/usr/local/lib/python3.12/site-packages/torch"};
  impostor.version = Text::absent();
  impostor.cuda = Text::absent();
  impostor.soabi = Text::absent();
  story.image.torch = impostor;
  auto finding = only(story, kInstall);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_EQ(finding.summary,
            "/app/torch is found first and is not PyTorch; it hides "
            "/usr/local/lib/python3.12/site-packages/torch");
  EXPECT_THAT(finding.fix, HasSubstr("another working directory"));
  EXPECT_THAT(verdicts(story), testing::ElementsAre("torch.install=65"));

  story.image.torch->path = "/app/torch.py";
  story.image.torch->shadowed.clear();
  EXPECT_THAT(only(story, kInstall).fix, HasSubstr("Rename"));
}

TEST(TorchInstall, MissingFilesAreNamed) {
  auto story = healthy();
  story.image.torch->missing_files = std::vector<std::string>{"lib/libtorch_cpu.so"};
  EXPECT_EQ(only(story, kInstall).severity, Severity::kFail);
  EXPECT_EQ(evidence(only(story, kInstall), "missing"), "lib/libtorch_cpu.so");
  story.image.torch->missing_files = std::vector<std::string>{
      "libtorch_cpu.so (is cut short)", "libtorch_cuda.so (is cut short)", "torch/version.py"};
  EXPECT_THAT(only(story, kInstall).summary,
              HasSubstr(" is not whole: 1 file is missing, 2 files are damaged"));
  story.image.torch->missing_files->pop_back();
  EXPECT_THAT(only(story, kInstall).summary,
              testing::EndsWith(" is not whole: 2 files are damaged"));
}

TEST(TorchInstall, WhatTorchOpensLaterIsAWarning) {
  auto story = healthy();
  story.image.torch->missing_files = std::vector<std::string>{"torch/lib/libtorch_cuda_linalg.so"};
  const auto finding = only(story, kInstall);
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_THAT(finding.summary, HasSubstr("lacks torch/lib/libtorch_cuda_linalg.so"));
  EXPECT_THAT(finding.why, HasSubstr("`import torch` works"));
  // Without the loader's word no claim about the import.
  story.image.loader = Fact<LoaderFacts>::unknown("musl");
  EXPECT_EQ(only(story, kInstall).severity, Severity::kWarn);
}

TEST(TorchInstall, WhatTheImportAsksForIsNot) {
  auto story = healthy();
  for (const char* file : {"torch/lib/libtorch_global_deps.so", "torch/lib/libx.so (truncated)"}) {
    story.image.torch->missing_files = std::vector<std::string>{file};
    EXPECT_EQ(only(story, kInstall).severity, Severity::kFail) << file;
  }
  story.image.torch->missing_files =
      std::vector<std::string>{"torch/lib/libcusparseLt-294d6944.so.0"};
  EXPECT_EQ(only(story, kInstall).severity, Severity::kWarn);
  story.image.loader->problems.missing = {
      {"libcusparseLt-294d6944.so.0", "/t/libtorch_cuda.so", "not found", {}}};
  EXPECT_EQ(only(story, kInstall).severity, Severity::kFail);
}

TEST(TorchInstall, WithoutAnExtensionItIsNotWhole) {
  auto story = healthy();
  story.image.torch->soabis.clear();
  story.image.torch->soabi = Text::absent();
  EXPECT_THAT(verdicts(story), testing::ElementsAre("torch.install=65"));
}

TEST(TorchInstall, UnknownIsUnknown) {
  auto story = healthy();
  story.image.torch->missing_files = Fact<std::vector<std::string>>::unknown("no RECORD");
  EXPECT_EQ(only(story, kInstall).severity, Severity::kUndecided);
  story.image.torch = Fact<Torch>::unknown("sys.path is not known");
  EXPECT_EQ(only(story, kInstall, required()).severity, Severity::kUndecided);
}

TEST(TorchCudaBuild, PassesACudaBuild) {
  EXPECT_TRUE(says_nothing(healthy(), kBuild));
  EXPECT_TRUE(says_nothing(healthy(), kBuild, gpu(GpuRequired::kYes)));
}

TEST(TorchCudaBuild, ACpuBuildFailsWhereAGpuIsRequired) {
  auto story = healthy();
  story.image.torch = cpu_torch();
  const auto finding = only(story, kBuild, gpu(GpuRequired::kYes));
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_EQ(finding.summary, "torch 2.8.0+cpu is a CPU-only build, and the policy requires a GPU");
  EXPECT_THAT(finding.why, HasSubstr("Torch not compiled with CUDA enabled"));
}

TEST(TorchCudaBuild, OnAutoItIsAWarningIfAGpuIsInSight) {
  auto story = healthy();
  story.image.torch = cpu_torch();
  EXPECT_EQ(only(story, kBuild).severity, Severity::kWarn);
  // The devices are not asked for on a CPU build: an open node tells as well.
  story.node.devices = Fact<std::vector<Device>>::unknown("nothing in the image needs a GPU");
  EXPECT_EQ(only(story, kBuild).severity, Severity::kWarn);
  story.node.device_nodes = std::vector<DeviceNode>{{"/dev/nvidia0", EPERM}, {"/dev/nvidiactl", 0}};
  EXPECT_TRUE(says_nothing(story, kBuild));
  story.node.device_nodes = Fact<std::vector<DeviceNode>>();
  EXPECT_TRUE(says_nothing(story, kBuild));
}

TEST(TorchCudaBuild, ARocmBuildIsCalledSo) {
  auto story = healthy();
  story.image.torch = cpu_torch();
  story.image.torch->hip = Text("6.2.41133");
  EXPECT_THAT(only(story, kBuild).summary, HasSubstr("a ROCm build"));
  EXPECT_THAT(only(story, "cuda.driver").summary, HasSubstr("ROCm"));
}

TEST(TorchCudaBuild, SkippedAndUnknown) {
  EXPECT_EQ(only(healthy(), kBuild, gpu(GpuRequired::kNo)).severity, Severity::kSkipped);
  auto story = healthy();
  story.image.torch->cuda = Text::unknown("version.py cannot be read");
  EXPECT_EQ(only(story, kBuild).severity, Severity::kUndecided);
  story.image.torch = Fact<Torch>::absent();
  EXPECT_EQ(only(story, kBuild).severity, Severity::kSkipped);
}

}  // namespace
}  // namespace gpuinit::checks
