#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId = "cuda.compat";

Facts on(const std::string& runtime, const std::string& kernel, const std::string& cuda) {
  auto story = healthy();
  story.image.torch->cuda = Text(runtime);
  story.node = written_by_hand(kernel, cuda, "NVIDIA H100 80GB HBM3", "9.0");
  if (cuda.empty()) story.node.driver.cuda_version = Text();
  return story;
}

Facts with_compat(const std::string& kernel, const std::string& release,
                  Fact<CompatNote> note = Fact<CompatNote>::absent()) {
  auto story = on("12.8", kernel, "");
  LibCuda library;
  library.path = "/usr/local/cuda/compat/libcuda.so.1";
  library.kind = "forward-compat";
  library.version = release;
  library.compat_note = std::move(note);
  story.node.driver.libcuda = library;
  return story;
}

TEST(CudaCompat, ForwardCompatibilityServesWhereTheNoteSaysSo) {
  const CompatNote note{"12.8", {535, 550, 570}};
  EXPECT_TRUE(says_nothing(with_compat("535.104.05", "570.86.10", note), kId));
  EXPECT_TRUE(says_nothing(with_compat("470.82.01", "570.86.10"), kId));
  const auto unlisted = only(with_compat("545.23.06", "570.86.10", note), kId);
  EXPECT_EQ(unlisted.exit_code, kExitFit);
  EXPECT_EQ(evidence(unlisted, "supported driver branches"), "535, 550, 570");
  const auto too_old = only(with_compat("580.65.06", "570.86.10", note), kId);
  EXPECT_EQ(too_old.exit_code, kExitFit);
  EXPECT_THAT(too_old.why, HasSubstr("803"));
}

TEST(CudaCompat, ADriverThatInitialisesIsNotDoubted) {
  auto story = with_compat("545.23.06", "570.86.10", CompatNote{"12.8", {535}});
  story.node.probe = healthy().node.probe;
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(CudaCompat, GeForceHasNoForwardCompatibility) {
  auto story = with_compat("535.104.05", "570.86.10");
  story.node.devices = std::vector<Device>{device("NVIDIA GeForce RTX 4090", "8.9")};
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.exit_code, kExitFit);
  EXPECT_THAT(finding.summary, HasSubstr("GeForce RTX 4090"));
  // Nor where the names of the devices are not known.
  story.node.devices.value()[0].name = Text();
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(CudaCompat, TheDriversWordIsTheLast) {
  for (const int error : {803, 804}) {
    auto story = healthy();
    story.node.driver.libcuda->kind = "forward-compat";
    story.node.probe->init_error = error;
    story.node.devices = Fact<std::vector<Device>>::unknown("cuInit");
    EXPECT_THAT(verdicts(story), ElementsAre("cuda.compat=66")) << error;
    EXPECT_THAT(only(story, kId).why, HasSubstr(std::to_string(error)));
  }
}

TEST(CudaCompat, WhereNobodyAskedTheKernelDriverNamesTheGpus) {
  auto story = with_compat("535.104.05", "570.86.10");
  story.node.devices = Fact<std::vector<Device>>::unknown("not asked");
  story.node.kernel_gpus =
      std::vector<KernelGpu>{{"0000:01:00.0", Text("NVIDIA GeForce RTX 3090"), Text(), 0}};
  EXPECT_THAT(only(story, kId).summary, HasSubstr("GeForce RTX 3090"));
  story.node.kernel_gpus->push_back({"0000:02:00.0", Text("NVIDIA A100-SXM4-40GB"), Text(), 1});
  EXPECT_TRUE(says_nothing(story, kId));
}

// The image brought a libcuda of its own, and the runtime's is behind it.
Facts with_stale_libcuda() {
  auto story = healthy();
  auto& library = *story.node.driver.libcuda.operator->();
  library.path = "/usr/local/lib/libcuda.so.1";
  library.real_path = "/usr/local/lib/libcuda.so.535.183.01";
  library.version = Text("535.183.01");
  library.hides = {"/usr/lib/x86_64-linux-gnu/libcuda.so.570.124.06"};
  story.node.probe->init_error = 803;
  story.node.devices = Fact<std::vector<Device>>::unknown("cuInit");
  return story;
}

TEST(CudaCompat, AStaleLibcudaThatHidesTheRightOneIsTheImagesFault) {
  auto story = with_stale_libcuda();
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.compat=66"));
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.summary,
            "a libcuda.so.1 of driver 535.183.01 hides the one of this node's driver 570.124.06");
  EXPECT_EQ(evidence(finding, "hidden"), "/usr/lib/x86_64-linux-gnu/libcuda.so.570.124.06");
  EXPECT_THAT(finding.fix, HasSubstr("/usr/local/lib/libcuda.so.1"));
  // Without the right one behind it, cuda.libcuda has the word.
  story.node.driver.libcuda->hides = {"/usr/lib/libcuda.so.550.54.15", "/x/libcuda.so.1.1"};
  EXPECT_THAT(verdicts(story), ElementsAre("cuda.libcuda=69"));
}

TEST(CudaCompat, ALibcudaThatInitialisesIsNotStale) {
  auto story = with_stale_libcuda();
  story.node.probe->init_error = 0;
  story.node.devices = healthy().node.devices;
  EXPECT_THAT(verdicts(story), IsEmpty());
}

CompatLibrary compat(const std::string& release,
                     Fact<CompatNote> note = Fact<CompatNote>::absent()) {
  return {"/usr/local/cuda/compat", "/usr/local/cuda-13.0/compat/libcuda.so." + release,
          Text(release), std::move(note)};
}

// A CUDA 13 image on a 570 driver, as after a Kubernetes `command:`.
Facts with_unused_compat(CompatLibrary library) {
  auto story = healthy();
  story.image.torch->cuda = Text("13.0");
  story.image.cuda_runtime->version = Text("13.0");
  story.image.compat_libraries = std::vector<CompatLibrary>{std::move(library)};
  return story;
}

TEST(CudaCompat, AnUnusedLibraryThatWouldServeIsNamed) {
  const auto story = with_unused_compat(compat("580.65.06", CompatNote{"13.0", {535, 550, 570}}));
  EXPECT_THAT(verdicts(story), ElementsAre("~cuda.compat", "cuda.driver=66"));
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.summary,
            "torch needs CUDA 13.0, and the image's cuda-compat for CUDA 13.0 is not in use");
  EXPECT_THAT(finding.fix, HasSubstr("LD_LIBRARY_PATH=/usr/local/cuda/compat:"));
  EXPECT_THAT(finding.fix, HasSubstr("args:"));
  EXPECT_THAT(verdicts(with_unused_compat(compat("580.65.06"))),
              ElementsAre("~cuda.compat", "cuda.driver=66"));
}

TEST(CudaCompat, AnUnusedLibraryThatWouldNotServeIsNotWorthAWord) {
  const std::vector<CompatLibrary> libraries{
      compat("580.65.06", CompatNote{"13.0", {535, 550}}),  // not this branch
      compat("575.57.08", CompatNote{"12.9", {535, 570}}),  // not this CUDA
      compat("565.57.01", CompatNote{"13.0", {570}}),       // older than the kernel driver
      {"/usr/local/cuda/compat", "/x/libcuda.so.1", Text::unknown("no release in its name"),
       CompatNote{"13.0", {570}}}};
  for (const auto& library : libraries)
    EXPECT_THAT(verdicts(with_unused_compat(library)), ElementsAre("cuda.driver=66"))
        << library.real_path;
  auto geforce = with_unused_compat(compat("580.65.06"));
  geforce.node.devices = std::vector<Device>{device("NVIDIA GeForce RTX 4090", "8.9")};
  EXPECT_THAT(verdicts(geforce), ElementsAre("cuda.driver=66"));
  // Images ship it whether or not it is needed.
  auto healthy_image = healthy();
  healthy_image.image.compat_libraries = std::vector<CompatLibrary>{compat("580.65.06")};
  EXPECT_THAT(verdicts(healthy_image), IsEmpty());
}

TEST(CudaCompat, AnNgcEntrypointWillStillPutItInFront) {
  auto story = with_unused_compat(compat("580.65.06"));
  story.image.torch->layout = Text("ngc");
  story.image.command = {"/opt/nvidia/nvidia_entrypoint.sh", "python", "train.py"};
  story.image.interpreter->from_command = false;
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(CudaCompat, PtxThatTheDriverCannotCompileCountsToo) {
  auto story = facts(python("3.12.4", "312"),
                     torch("2.7.0+cu128", "12.8", "312", {"sm_80", "sm_90", "compute_90"}, "8.7"),
                     node("535.104.05", "12.2", {device("NVIDIA B200", "10.0")}));
  story.image.compat_libraries =
      std::vector<CompatLibrary>{compat("570.86.10", CompatNote{"12.8", {535}})};
  EXPECT_THAT(verdicts(story), ElementsAre("~cuda.compat", "device.arch=66"));
  EXPECT_THAT(only(story, kId).summary, HasSubstr("torch's PTX needs a driver for CUDA 12.8"));
}

}  // namespace
}  // namespace gpuinit::checks
