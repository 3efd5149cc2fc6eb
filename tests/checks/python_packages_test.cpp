#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kId = "python.packages";
const std::string kSite = "/usr/local/lib/python3.12/site-packages";

Package package(const std::string& name, const std::string& version,
                std::vector<std::string> requirements = {}, const std::string& site = kSite) {
  return {name, version, site + "/" + name + "-" + version + ".dist-info", std::move(requirements)};
}

// torch 2.8.0+cu128 and what goes with it, as pip installs it from PyPI.
std::vector<Package> wheels() {
  const std::string linux = "; platform_system == \"Linux\" and platform_machine == \"x86_64\"";
  return {package("numpy", "2.3.5"),
          package("nvidia-cudnn-cu12", "9.10.2.21"),
          package("pip", "25.0.1"),
          package("torch", "2.8.0",
                  {"nvidia-cudnn-cu12==9.10.2.21" + linux, "nvidia-cublas-cu12==12.8.4.1" + linux,
                   "triton==3.4.0" + linux}),
          package("torchvision", "0.23.0", {"numpy", "torch (==2.8.0)"}),
          package("triton", "3.4.0"),
          package("xformers", "0.0.32.post2", {"numpy", "torch==2.8.0"})};
}

Facts with(std::vector<Package> packages) {
  auto story = healthy();
  story.image.packages = std::move(packages);
  return story;
}

Package& named(Facts& story, const std::string& name) {
  for (Package& one : story.image.packages.value())
    if (one.name == name) return one;
  throw std::out_of_range(name);
}

Policy built_in() {
  Policy policy;
  policy.checks[kId] = Level::kWarn;
  return policy;
}

TEST(PythonPackages, PassesWhatFits) {
  EXPECT_TRUE(says_nothing(with(wheels()), kId));
  EXPECT_TRUE(says_nothing(with({}), kId));
}

TEST(PythonPackages, TorchWasReplacedUnderTorchvision) {
  auto story = with(wheels());
  for (const char* name : {"torchvision", "xformers"})
    named(story, name).requires_dist = {"torch==2.5.1"};
  EXPECT_THAT(verdicts(story, built_in()), ElementsAre("~python.packages"));
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_EQ(finding.summary,
            "torchvision 0.23.0 requires torch==2.5.1, and torch 2.8.0+cu128 is installed (and 1 "
            "more)");
  EXPECT_EQ(evidence(finding, "xformers 0.0.32.post2"),
            "requires torch==2.5.1, says " + kSite + "/xformers-0.0.32.post2.dist-info");
  EXPECT_THAT(finding.fix, HasSubstr("/usr/local/bin/python3.12 -m pip install --upgrade "
                                     "'torch==2.8.0' torchvision xformers"));
}

// A fix is typed as it stands.
TEST(PythonPackages, TheCommandIsThatOfWhatMadeTheEnvironment) {
  auto story = with(wheels());
  named(story, "torchvision").requires_dist = {"torch==2.5.1"};
  std::erase_if(story.image.packages.value(), [](const Package& one) { return one.name == "pip"; });
  EXPECT_THAT(only(story, kId).fix, HasSubstr("`uv pip install --python /usr/local/bin/python3.12 "
                                              "--upgrade 'torch==2.8.0' torchvision`"));
  // PyTorch's own index has it for this CUDA.
  named(story, "torch").version = "2.8.0+cu126";
  EXPECT_THAT(only(story, kId).fix,
              HasSubstr("'torch==2.8.0' --extra-index-url https://download.pytorch.org/whl/cu126 "
                        "torchvision`"));
  // Debian's, NVIDIA's, a nightly.
  for (const char* version :
       {"1.13.0a0", "2.6.0a0+ecf3bae40a.nv25.1", "2.9.0.dev20250801+cu128", "2.8.0+ubuntu1"}) {
    named(story, "torch").version = version;
    story.image.torch->version = std::string(version);
    story.image.torch->metadata_version = std::string(version);
    EXPECT_THAT(only(story, kId).fix, testing::StartsWith("No index has this torch")) << version;
    EXPECT_THAT(only(story, kId).fix, testing::Not(HasSubstr("`"))) << version;
  }
}

TEST(PythonPackages, WhatIsLeftOpenIsNoContradiction) {
  auto story = with(wheels());
  named(story, "torchvision").requires_dist = {
      "torch==1.0; python_version < '3.9'",     // does not hold here
      "torch==1.0; extra == 'old'",             // nobody asked for the extra
      "torch==1.0; platform_release == '5'",    // not known
      "torch @ https://example.org/torch.whl",  // any
      "torch what",                             // not understood
      "torch>=2.8",
      "nvidia-nccl-cu12==1.0",  // not installed
  };
  EXPECT_TRUE(says_nothing(story, kId));
}

// NGC and nightly builds are pre-releases, which ">=2.6" does not mean by the letter.
TEST(PythonPackages, AVendorsBuildCountsAsItsRelease) {
  auto story = with({package("torch", "2.6.0a0+ecf3bae40a.nv25.1"),
                     package("torchvision", "0.20.0a0", {"torch>=2.6", "torch<2.7"})});
  story.image.torch->version = Text("2.6.0a0+ecf3bae40a.nv25.01");
  story.image.torch->metadata_version = Text("2.6.0a0+ecf3bae40a.nv25.1");
  EXPECT_TRUE(says_nothing(story, kId));
  named(story, "torchvision").requires_dist = {"torch>=2.7"};
  EXPECT_FALSE(says_nothing(story, kId));
}

TEST(PythonPackages, AnotherCudnnThanTorchAsksFor) {
  auto story = with(wheels());
  named(story, "nvidia-cudnn-cu12").version = "9.1.0.70";
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.summary,
            "torch 2.8.0 requires nvidia-cudnn-cu12==9.10.2.21, and 9.1.0.70 is installed");
  EXPECT_THAT(finding.fix, HasSubstr("install 'nvidia-cudnn-cu12==9.10.2.21'"));
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(only(story, kId, built_in()).severity, Severity::kWarn);
}

TEST(PythonPackages, RequirementsOfAnExtraThatTorchAsksFor) {
  auto story = with({package("torch", "2.8.0", {"cuda-toolkit[cublas,nvrtc]==13.2.2"}),
                     package("cuda-toolkit", "13.2.2",
                             {"nvidia-cublas==13.4.1.3.*; extra == 'cublas'",
                              "nvidia-cufft==1.0; extra == 'cufft'"}),
                     package("nvidia-cublas", "13.4.1.3"), package("nvidia-cufft", "12.0")});
  EXPECT_TRUE(says_nothing(story, kId));
  named(story, "nvidia-cublas").version = "13.0.0";
  EXPECT_EQ(only(story, kId).summary,
            "cuda-toolkit 13.2.2 requires nvidia-cublas==13.4.1.3.*, and 13.0.0 is installed");
}

TEST(PythonPackages, TwoVersionsInOneDirectory) {
  auto packages = wheels();
  packages.insert(packages.begin() + 2, package("torch", "2.7.1"));
  const auto finding = only(with(packages), kId);
  EXPECT_EQ(finding.summary, "more than one torch is recorded in " + kSite + ": 2.7.1, 2.8.0");
  EXPECT_EQ(finding.fix, "`rm -r " + kSite +
                             "/torch-2.7.1.dist-info`, then `/usr/local/bin/python3.12 -m pip "
                             "install --force-reinstall --no-deps 'torch==2.8.0'`.");
  EXPECT_EQ(evidence(finding, "2.7.1"), kSite + "/torch-2.7.1.dist-info");
  EXPECT_EQ(evidence(finding, "its files are of"), "2.8.0+cu128");

  // A venv over the system's packages has them on two entries; the first is the one.
  packages = wheels();
  packages.push_back(package("torch", "2.5.1", {}, "/usr/lib/python3/dist-packages"));
  packages.push_back(package("pip", "23.0"));
  packages.push_back(package("pip", "24.0"));
  EXPECT_TRUE(says_nothing(with(packages), kId));
}

TEST(PythonPackages, FilesOfAnotherReleaseThanTheMetadata) {
  auto story = with(wheels());
  story.image.torch->metadata_version = Text("2.7.1");
  named(story, "torch").version = "2.7.1";
  EXPECT_EQ(only(story, kId).summary, "torch's files are of 2.8.0+cu128, its metadata of 2.7.1");
  story.image.torch->metadata_version = Text("2.8.0");
  story.image.torch->version = Text("2.8.0+debian");
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(PythonPackages, Numpy2BesideWhatWasCompiledForNumpy1) {
  auto story = with(wheels());
  story.image.torch->numpy_abi = Text("2");
  Extension extension;
  extension.path = kSite + "/old/_C.so";
  extension.package = "old";
  extension.numpy_abi = Text("1");
  story.image.extensions = std::vector<Extension>{extension};
  EXPECT_EQ(only(story, kId).summary, "old was compiled for NumPy 1, and NumPy 2.3.5 is installed");
  story.image.torch->numpy_abi = Text("1");
  auto finding = only(story, kId);
  EXPECT_EQ(finding.summary,
            "torch was compiled for NumPy 1, and NumPy 2.3.5 is installed (and 1 more)");
  EXPECT_EQ(evidence(finding, "NumPy"), kSite + "/numpy-2.3.5.dist-info");
  // It can go on without NumPy, so that no policy makes it a failure.
  EXPECT_EQ(only(story, kId).severity, Severity::kWarn);
  named(story, "numpy").version = "1.26.4";
  EXPECT_TRUE(says_nothing(story, kId));
}

TEST(PythonPackages, SaysNothingOfWhatIsNotKnown) {
  auto story = healthy();
  story.image.packages = Fact<std::vector<Package>>::unknown("sys.path is not known");
  EXPECT_EQ(only(story, kId).severity, Severity::kUndecided);
  story = with(wheels());
  named(story, "torchvision").requires_dist = {"torch==2.5.1"};
  story.image.torch->missing_files = std::vector<std::string>{"torch/_C.*.so"};
  EXPECT_EQ(only(story, kId).severity, Severity::kSkipped);
  story.image.interpreter = Fact<Interpreter>::absent("no Python");
  EXPECT_EQ(only(story, kId).severity, Severity::kSkipped);
}

TEST(PythonPackages, OnAGuessedInterpreterItOnlyWarns) {
  auto story = with(wheels());
  named(story, "torchvision").requires_dist = {"torch==2.5.1"};
  story.image.interpreter->from_command = false;
  story.image.command = {"sh", "-c", "python train.py"};
  EXPECT_EQ(only(story, kId).severity, Severity::kWarn);
}

TEST(PythonPackages, TorchLacksWhatItImportsLater) {
  auto story = with(wheels());
  auto& requires_dist = named(story, "torch").requires_dist;
  for (const char* name : {"sympy>=1.13.3", "networkx", "typing-extensions"})
    requires_dist.emplace_back(name);
  const auto finding = only(story, kId);
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_EQ(finding.summary, "torch 2.8.0 requires what is not installed: sympy, networkx");
  EXPECT_THAT(finding.fix, HasSubstr("pip install sympy networkx"));
  story.image.packages->push_back(package("sympy", "1.14.0"));
  EXPECT_EQ(only(story, kId).severity, Severity::kSkipped) << "few need networkx";
}

// The policy lives with one pair of two; the other one counts as before.
TEST(PythonPackages, OnePairMayBeAccepted) {
  auto story = with(wheels());
  story.image.torch->version = Text("2.7.1+cu126");
  story.image.torch->metadata_version = Text("2.7.1");
  named(story, "torch").version = "2.7.1";
  Policy policy = built_in();
  policy.accept = {{kId, "xformers/torch", "only its triton kernels are used", ""}};
  const auto findings = run_checks(story, policy);
  const auto warned = of(findings, Severity::kWarn);
  ASSERT_EQ(warned.size(), 1U);
  EXPECT_EQ(warned[0].summary,
            "torchvision 0.23.0 requires torch==2.8.0, and torch 2.7.1+cu126 is "
            "installed");
  const auto accepted = of(findings, Severity::kAccepted);
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_THAT(accepted[0].summary, testing::StartsWith("xformers 0.0.32.post2 requires"));
  EXPECT_EQ(evidence(accepted[0], "accepted"), "only its triton kernels are used");
  policy.accept[0].about = "xformers";
  EXPECT_EQ(of(run_checks(story, policy), Severity::kAccepted).size(), 1U) << "all its pairs";
  policy.accept[0].about = "*/torch";
  EXPECT_EQ(judge(run_checks(story, policy)).word, Verdict::Word::kPass);
}

TEST(PythonPackages, OtherPackagesWantOtherLibraries) {
  auto packages = wheels();
  packages.push_back(package("jax-cuda12-plugin", "0.7.2",
                             {"nvidia-cudnn-cu12<10.0,>=9.8; extra == \"with-cuda\""}));
  EXPECT_TRUE(says_nothing(with(packages), kId));
  packages.back().requires_dist = {"nvidia-cudnn-cu12<10.0,>=9.18; extra == \"with-cuda\""};
  EXPECT_EQ(only(with(packages), kId).summary,
            "jax-cuda12-plugin 0.7.2 requires nvidia-cudnn-cu12<10.0,>=9.18, and 9.10.2.21 is "
            "installed");
  // An extra that nobody may have asked for.
  packages.back().name = "anything";
  EXPECT_TRUE(says_nothing(with(packages), kId));
  packages.back().requires_dist = {"numpy<2", "nvidia-nothing==1"};
  EXPECT_TRUE(says_nothing(with(packages), kId)) << "neither has to do with GPUs";
}

TEST(PythonPackages, TwoOwnOneLibrary) {
  auto packages = wheels();
  const std::string library = kSite + "/nvidia/nccl/lib/libnccl.so.2";
  auto cu12 = package("nvidia-nccl-cu12", "2.27.3");
  auto cu13 = package("nvidia-nccl-cu13", "2.30.7");
  cu12.contested = cu13.contested = {library};
  cu12.overwritten = {library};
  packages.push_back(cu12);
  packages.push_back(cu13);
  packages[3].requires_dist.emplace_back("nvidia-nccl-cu12==2.27.3");
  auto finding = only(with(packages), kId);
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_EQ(finding.summary,
            "nvidia-nccl-cu12 2.27.3 and nvidia-nccl-cu13 2.30.7 both own libnccl.so.2, and that "
            "of nvidia-nccl-cu13 2.30.7 is there");
  EXPECT_EQ(evidence(finding, "both own"), library);
  EXPECT_THAT(finding.fix, HasSubstr("uninstall -y nvidia-nccl-cu12 nvidia-nccl-cu13"));
  EXPECT_THAT(finding.fix, HasSubstr("install --no-deps 'nvidia-nccl-cu12==2.27.3'`"))
      << "torch asks for it";
  std::swap(packages.back().overwritten, packages[packages.size() - 2].overwritten);
  EXPECT_EQ(only(with(packages), kId).severity, Severity::kSkipped)
      << "torch gets what it asks for";
  packages.back().overwritten.clear();
  EXPECT_THAT(only(with(packages), kId).summary, HasSubstr("it is not known whose is there"));
  // Two that have nothing to do with GPUs are only worth a note.
  packages.back().name = "opencv-python";
  packages[packages.size() - 2].name = "opencv-python-headless";
  packages[3].requires_dist.pop_back();
  EXPECT_EQ(only(with(packages), kId).severity, Severity::kSkipped);
  packages.back().name = "onnxruntime-gpu";
  EXPECT_THAT(only(with(packages), kId).fix,
              HasSubstr("install --no-deps 'onnxruntime-gpu==2.30.7'`"));
}

}  // namespace
}  // namespace gpuinit::checks
