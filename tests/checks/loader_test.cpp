#include "checks/story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kSite = "/usr/local/lib/python3.12/site-packages";
const std::string kPython = kSite + "/torch/lib/libtorch_python.so";

// A healthy image and node, with what the loader found.
class LoaderTest : public testing::Test {
 protected:
  LoaderTest() {
    facts_.image.interpreter = python("3.12.4", "312");
    facts_.image.torch = torch_280();
    facts_.node = node("570.26", "12.8", {h100()});
    loader_.libraries = {{"libc.so.6", "/lib/libc.so.6", "/usr/bin/python3.12", "ld.so.cache", {}}};
    loader_.problems.undefined_symbols = std::vector<UndefinedSymbol>{};
  }

  std::vector<Finding> judge(Level level = Level::kFail) {
    facts_.image.loader = loader_;
    return judge_with(level);
  }
  std::vector<Finding> judge_with(Level level = Level::kFail) {
    Policy policy;
    for (const auto& check : catalogue()) policy.checks[std::string(check.id)] = Level::kOff;
    for (const char* id : {"python.abi", "torch.install", "loader.missing", "loader.version",
                           "libc.version", "loader.symbol", "loader.shadowed"})
      policy.checks[id] = level;
    std::vector<Finding> findings = run_checks(facts_, policy);
    std::erase_if(findings, [](const Finding& f) { return f.severity == Severity::kSkipped; });
    return findings;
  }

  // The only finding.
  Finding only(const std::vector<Finding>& findings, const std::string& id) {
    EXPECT_EQ(findings.size(), 1U);
    if (findings.empty()) return {};
    EXPECT_EQ(findings[0].id, id);
    return findings[0];
  }

  Facts facts_;
  LoaderFacts loader_;
};

TEST_F(LoaderTest, SaysNothingOfAWholeImage) { EXPECT_THAT(judge(), IsEmpty()); }

TEST_F(LoaderTest, NamesTheMissingLibraryAndItsPackage) {
  loader_.problems.missing = {{"libcudnn.so.9", kPython, "no directory has it", {}}};
  loader_.problems.undefined_symbols = Fact<std::vector<UndefinedSymbol>>::unknown("missing");
  facts_.image.packages =
      std::vector<Package>{{"torch",
                            "2.8.0",
                            kSite + "/torch-2.8.0.dist-info",
                            {"nvidia-cudnn-cu12==9.10.2.21; platform_system == \"Linux\""}}};
  const Finding finding = only(judge(), "loader.missing");
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_EQ(finding.summary,
            "libcudnn.so.9 is not found, and torch/lib/libtorch_python.so needs it");
  EXPECT_THAT(finding.why, HasSubstr("libcudnn.so.9: cannot open shared object file"));
  EXPECT_THAT(finding.fix, HasSubstr("`uv pip install --python /usr/local/bin/python3.12 "
                                     "'nvidia-cudnn-cu12==9.10.2.21'`"));
}

TEST_F(LoaderTest, KnowsWhereElseTheLibraryLies) {
  const std::string copy = "/usr/lib/python/site-packages/nvidia/cudnn/lib/libcudnn.so.9";
  loader_.problems.missing = {{"libcudnn.so.9", kPython, "no directory has it", {copy}}};
  EXPECT_THAT(only(judge(), "loader.missing").fix,
              HasSubstr("LD_LIBRARY_PATH=/usr/lib/python/site-packages/nvidia/cudnn/lib"));
}

TEST_F(LoaderTest, LeavesTorchsLibrariesToTorchInstall) {
  facts_.image.torch->missing_files = std::vector<std::string>{"libtorch_cpu.so"};
  loader_.problems.missing = {{"libtorch_cpu.so", kPython, "no directory has it", {}}};
  loader_.problems.undefined_symbols = Fact<std::vector<UndefinedSymbol>>::unknown("missing");
  const std::vector<Finding> findings = judge();
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings[0].id, "torch.install");
  for (const Finding& finding : findings) EXPECT_NE(finding.id, "loader.missing");
}

TEST_F(LoaderTest, SpeaksOfAnInterpreterThatWouldNotStart) {
  loader_.problems.missing = {
      {"libpython3.12.so.1.0", facts_.image.interpreter->real_path, "no directory has it", {}}};
  const Finding finding = only(judge(), "loader.missing");
  EXPECT_THAT(finding.summary, HasSubstr("the interpreter needs it"));
  EXPECT_THAT(finding.why, HasSubstr("error while loading shared libraries"));
}

TEST_F(LoaderTest, OnlyWarnsWhereTheInterpreterIsAGuess) {
  facts_.image.command = {"sh", "-c", "python train.py"};
  facts_.image.interpreter->from_command = false;
  loader_.problems.missing = {{"libcudnn.so.9", kPython, "no directory has it", {}}};
  EXPECT_EQ(only(judge(), "loader.missing").severity, Severity::kWarn);
}

TEST_F(LoaderTest, TellsAnOldGlibcFromAnOldLibrary) {
  loader_.problems.missing_versions = {
      {"GLIBC_2.27", "libm.so.6", "/lib/libm.so.6", "ld.so.cache", kPython, "GLIBC_2.26"},
      {"GLIBC_2.28", "libc.so.6", "/lib/libc.so.6", "ld.so.cache", kPython, "GLIBC_2.26"}};
  const Finding glibc = only(judge(), "libc.version");
  EXPECT_EQ(glibc.summary,
            "the image's glibc is too old: torch/lib/libtorch_python.so needs GLIBC_2.28, and it "
            "has GLIBC_2.26");
  loader_.problems.missing_versions = {{"GLIBCXX_3.4.32", "libstdc++.so.6",
                                        "/opt/conda/lib/libstdc++.so.6", "LD_LIBRARY_PATH", kPython,
                                        "GLIBCXX_3.4.29"}};
  loader_.libraries.push_back({"libstdc++.so.6",
                               "/opt/conda/lib/libstdc++.so.6",
                               kPython,
                               "LD_LIBRARY_PATH",
                               {"/usr/lib/libstdc++.so.6"}});
  const Finding library = only(judge(), "loader.version");
  EXPECT_THAT(library.summary, StartsWith("/opt/conda/lib/libstdc++.so.6 has no GLIBCXX_3.4.32"));
  EXPECT_THAT(library.fix, HasSubstr("Take /opt/conda/lib out of LD_LIBRARY_PATH"));
  EXPECT_THAT(library.fix, HasSubstr("/usr/lib/libstdc++.so.6"));
}

TEST_F(LoaderTest, NamesTheLibraryThatLacksASymbol) {
  const std::string sparse = kSite + "/nvidia/cusparse/lib/libcusparse.so.12";
  const std::string wheel = kSite + "/nvidia/nvjitlink/lib/libnvJitLink.so.12";
  loader_.libraries.push_back({"libnvJitLink.so.12",
                               "/usr/local/cuda/lib64/libnvJitLink.so.12",
                               sparse,
                               "LD_LIBRARY_PATH",
                               {wheel}});
  loader_.problems.undefined_symbols =
      std::vector<UndefinedSymbol>{{"__nvJitLinkAddData_12_1", "libnvJitLink.so.12", sparse}};
  const Finding finding = only(judge(), "loader.symbol");
  EXPECT_THAT(finding.summary, HasSubstr("__nvJitLinkAddData_12_1"));
  EXPECT_THAT(finding.summary, HasSubstr("/usr/local/cuda/lib64/libnvJitLink.so.12"));
  EXPECT_THAT(finding.why, HasSubstr("version libnvJitLink.so.12"));
  EXPECT_THAT(finding.fix, HasSubstr("take /usr/local/cuda/lib64 out of LD_LIBRARY_PATH"));
  // Nothing else is there: the release that torch asks for.
  loader_.libraries.back().hides.clear();
  EXPECT_THAT(only(judge(), "loader.symbol").fix, HasSubstr("install torch again"));
  facts_.image.packages = std::vector<Package>{
      {"torch", "2.8.0", kSite + "/torch-2.8.0.dist-info", {"nvidia-nvjitlink-cu12==12.8.93"}}};
  EXPECT_THAT(only(judge(), "loader.symbol").fix,
              HasSubstr("`uv pip install --python /usr/local/bin/python3.12 "
                        "'nvidia-nvjitlink-cu12==12.8.93'`"));
}

// Without a version the function's name says whose it is.
TEST_F(LoaderTest, NamesTheLibraryOfASymbolWithoutAVersion) {
  const std::string torch = kSite + "/torch/lib/libtorch_cuda.so";
  const std::string nccl = kSite + "/nvidia/nccl/lib/libnccl.so.2";
  loader_.libraries.push_back({"libnccl.so.2", nccl, torch, "RPATH of " + torch, {}});
  loader_.libraries.push_back({"libcusparse.so.12", "/lib/libcusparse.so.12", torch, "x", {}});
  loader_.libraries.push_back({"libcusparseLt.so.0", "/lib/libcusparseLt.so.0", torch, "x", {}});
  loader_.problems.undefined_symbols = std::vector<UndefinedSymbol>{{"ncclCommResume", "", torch}};
  facts_.image.packages = std::vector<Package>{
      {"torch", "2.8.0", kSite + "/torch-2.8.0.dist-info", {"nvidia-nccl-cu12==2.27.3"}},
      {"nvidia-nccl-cu12", "2.19.3", kSite + "/nvidia_nccl_cu12-2.19.3.dist-info", {}}};
  Finding finding = only(judge(), "loader.symbol");
  EXPECT_EQ(finding.summary, "torch/lib/libtorch_cuda.so needs the symbol ncclCommResume, which " +
                                 nccl + " does not have");
  EXPECT_THAT(finding.evidence, testing::Contains(seen("installed", "nvidia-nccl-cu12 2.19.3")));
  EXPECT_THAT(finding.fix, HasSubstr("asks for nvidia-nccl-cu12==2.27.3: `uv pip install --"));
  // The right release is installed too, and another package has written over its file.
  facts_.image.packages->back().version = "2.27.3";
  facts_.image.packages->push_back({"nvidia-nccl-cu11", "2.19.3", kSite + "/x.dist-info", {}});
  facts_.image.packages->push_back({"pip", "25.0.1", kSite + "/pip-25.0.1.dist-info", {}});
  finding = only(judge(), "loader.symbol");
  EXPECT_THAT(
      finding.evidence,
      testing::Contains(seen("installed", "nvidia-nccl-cu12 2.27.3, nvidia-nccl-cu11 2.19.3")));
  EXPECT_THAT(finding.fix, HasSubstr("-m pip uninstall -y nvidia-nccl-cu11 && "));
  EXPECT_THAT(finding.fix,
              HasSubstr("install --force-reinstall --no-deps 'nvidia-nccl-cu12==2.27.3'"));

  loader_.problems.undefined_symbols = std::vector<UndefinedSymbol>{{"cusparseLtInit", "", torch}};
  EXPECT_THAT(only(judge(), "loader.symbol").summary, HasSubstr("/libcusparseLt.so.0 does not"));
  loader_.problems.undefined_symbols = std::vector<UndefinedSymbol>{{"of_nobody", "", torch}};
  EXPECT_THAT(only(judge(), "loader.symbol").summary, HasSubstr("which no loaded library has"));
}

TEST_F(LoaderTest, WarnsOfPartsOfCudnnThatWillBeMissing) {
  loader_.missing_later = {
      {"libcudnn_graph.so.9", kSite + "/nvidia/cudnn/lib/libcudnn.so.9", "not found", {}}};
  const Finding finding = only(judge(), "loader.missing");
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_EQ(finding.summary,
            "libcudnn_graph.so.9 is not found, and nvidia/cudnn/lib/libcudnn.so.9 opens it when it "
            "is first used");
  EXPECT_THAT(finding.fix, HasSubstr("nvidia-cudnn"));
}

TEST_F(LoaderTest, WarnsOfBuiltinsOfNvrtcThatWillBeMissing) {
  loader_.missing_later = {{"libnvrtc-builtins.so.12.8",
                            kSite + "/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
                            "not found",
                            {}}};
  const Finding finding = only(judge(), "loader.missing");
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_THAT(finding.why, HasSubstr("failed to open libnvrtc-builtins.so.12.8\""));
  EXPECT_THAT(finding.fix, HasSubstr("nvidia-cuda-nvrtc"));
}

TEST_F(LoaderTest, WarnsOfAPartThatTheCudnnWheelDoesNotHave) {
  const std::string main = kSite + "/nvidia/cudnn/lib/libcudnn.so.9";
  LoadedLibrary part{"libcudnn_engines_tensor_ir.so.9",
                     "/lib/libcudnn_engines_tensor_ir.so.9",
                     main,
                     "default directory",
                     {},
                     "9"};
  loader_.libraries.push_back(part);
  EXPECT_THAT(only(judge(), "loader.shadowed").summary, HasSubstr("another libcudnn_engines"));
  loader_.libraries.back().needed_by = "/lib/libcudnn.so.9";  // all of them are the system's
  EXPECT_THAT(judge(), IsEmpty());
}

// No wheel, and what answers to the name is another release or of another CUDA.
TEST_F(LoaderTest, WarnsOfALibraryInThePlaceOfAWheelThatIsNotThere) {
  const std::string wanted = "nvidia-cudnn-cu12==9.10.2.21";
  loader_.libraries.push_back({"libcudnn.so.9", "/lib/libcudnn.so.9", kPython, "ld.so.cache", {}});
  facts_.image.packages =
      std::vector<Package>{{"torch", "2.8.0", kSite + "/torch-2.8.0.dist-info", {wanted}}};
  const auto judge_as = [&](const char* version, const char* path) {
    loader_.libraries.back().version = version;
    loader_.libraries.back().path = path;
    return judge();
  };
  for (const char* same : {"9.10.2", "9.10.2.21", "9", ""})
    EXPECT_THAT(judge_as(same, "/lib/libcudnn.so.9"), IsEmpty()) << same;
  const Finding finding = only(judge_as("9.19.0", "/lib/libcudnn.so.9"), "loader.shadowed");
  EXPECT_EQ(finding.summary,
            "torch asks for " + wanted + ", which is not installed, and gets /lib/libcudnn.so.9");
  EXPECT_THAT(finding.fix, HasSubstr(" '" + wanted + "'`"));
  EXPECT_THAT(judge_as("9", "/usr/local/cuda-12.8/lib64/libcudnn.so.9"), IsEmpty());
  only(judge_as("9", "/usr/local/cuda-13.0/lib64/libcudnn.so.9"), "loader.shadowed");
  // The image of a vendor, whose torch asks for nothing; and one that has what torch asks for.
  facts_.image.packages->front().requires_dist.clear();
  EXPECT_THAT(judge_as("9.19.0", "/lib/libcudnn.so.9"), IsEmpty());
  facts_.image.packages->front().requires_dist = {wanted};
  facts_.image.packages->push_back({"nvidia-cudnn-cu12", "9.10.2.21", kSite + "/x.dist-info", {}});
  EXPECT_THAT(judge(), IsEmpty());
}

TEST_F(LoaderTest, WarnsOfAShadowedWheelOnly) {
  const std::string wheel = kSite + "/nvidia/nvjitlink/lib/libnvJitLink.so.12";
  loader_.libraries.push_back({"libnvJitLink.so.12",
                               "/usr/local/cuda/lib64/libnvJitLink.so.12",
                               kPython,
                               "LD_LIBRARY_PATH",
                               {wheel}});
  EXPECT_THAT(only(judge(), "loader.shadowed").summary, HasSubstr("libnvJitLink.so.12"));
  EXPECT_THAT(only(judge(), "loader.shadowed").fix,
              HasSubstr("Take /usr/local/cuda/lib64 out of LD_LIBRARY_PATH"));
  // The cure names what there is.
  loader_.libraries.back().found_by = "ld.so.cache";
  EXPECT_THAT(only(judge(), "loader.shadowed").fix, HasSubstr("/etc/ld.so.conf.d"));
  EXPECT_THAT(only(judge(), "loader.shadowed").fix, testing::Not(HasSubstr("LD_LIBRARY_PATH")));
  // A wheel's own that does not lie below nvidia/.
  loader_.libraries.back().name = "libcusparseLt.so.0";
  loader_.libraries.back().path = kSite + "/cusparselt/lib/libcusparseLt.so.0";
  EXPECT_THAT(judge(), IsEmpty());
  loader_.libraries.back().name = "libnvJitLink.so.12";
  // The wheel's own before a toolkit's; two toolkits; a library of the system.
  loader_.libraries.back().hides = {"/usr/local/cuda/lib64/libnvJitLink.so.12"};
  loader_.libraries.back().path = wheel;
  EXPECT_THAT(judge(), IsEmpty());
  loader_.libraries.back().path = "/opt/cuda/lib64/libnvJitLink.so.12";
  EXPECT_THAT(judge(), IsEmpty());
}

TEST_F(LoaderTest, KnowsNothingWithoutFacts) {
  facts_.image.loader = Fact<LoaderFacts>::unknown("musl");
  for (const Finding& finding : judge_with()) EXPECT_EQ(finding.severity, Severity::kUndecided);
  facts_.image.loader = Fact<LoaderFacts>::absent();
  EXPECT_THAT(judge_with(), IsEmpty());
}

TEST_F(LoaderTest, IsSilentAfterAWrongAbi) {
  facts_.image.torch = torch_280("310");
  loader_.problems.missing = {{"libcudnn.so.9", kPython, "no directory has it", {}}};
  EXPECT_EQ(only(judge(), "python.abi").id, "python.abi");
}

}  // namespace
}  // namespace gpuinit::checks
