// Which torch an image has, whether it is whole, and which runtime it gets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/frameworks/read_frameworks.h"
#include "image/frameworks/torch_libraries.h"
#include "image/frameworks/torch_metadata.h"
#include "image/frameworks/torch_search.h"
#include "image/python/read_soabi.h"
#include "image/read_image.h"
#include "support/pytorch_image.h"

namespace gpuinit::image {
namespace {

using test::ElfBuilder;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

TEST(TorchVersionFile, IsUnderstoodInBothForms) {
  const auto annotated = parse_torch_version(
      "from typing import Optional\n\n__all__ = ['__version__', 'cuda']\n"
      "__version__ = '2.8.0+cu128'\ndebug = False\ncuda: Optional[str] = '12.8'\n"
      "git_version = 'a1cb'\nhip: Optional[str] = None\n");
  EXPECT_EQ(annotated.version, Fact<std::string>("2.8.0+cu128"));
  EXPECT_EQ(annotated.cuda, Fact<std::string>("12.8"));
  EXPECT_TRUE(annotated.hip.is_absent());
  const auto plain =
      parse_torch_version("__version__ = \"1.13.0a0\"\r\ncuda = None\r\nhip = '5.4.2'  # ROCm\r\n");
  EXPECT_EQ(plain.version, Fact<std::string>("1.13.0a0"));
  EXPECT_TRUE(plain.cuda.is_absent());
  EXPECT_EQ(plain.hip, Fact<std::string>("5.4.2"));
}

TEST(TorchVersionFile, ThatComputesItsValuesIsUnknown) {
  const auto version = parse_torch_version("__version__ = get_version()\ncuda = '12' + '.4'\n");
  EXPECT_TRUE(version.version.is_unknown());
  EXPECT_TRUE(version.cuda.is_unknown());
  EXPECT_TRUE(parse_torch_version("").version.is_unknown());
  EXPECT_TRUE(parse_torch_version("cuda_version = '1'\n cuda = '2'\n").cuda.is_unknown());
  EXPECT_TRUE(parse_torch_version("cuda = '12.4").cuda.is_unknown());
}

TEST(Extension, HasItsAbiInItsName) {
  EXPECT_EQ(soabi_of_extension("_C.cpython-313t-aarch64-linux-gnu.so", "_C"),
            "cpython-313t-aarch64-linux-gnu");
  EXPECT_EQ(soabi_of_extension("_C.so", "_C"), "");
  EXPECT_EQ(soabi_of_extension("_C_flatbuffer.cpython-311-x86_64-linux-gnu.so", "_C"), "");
}

class TorchSearchTest : public testing::Test {
 protected:
  FoundTorch find(const Texts& sys_path) {
    auto fs = base::RootFs::open(tree_.root());
    return find_torch(*fs, sys_path, "cpython-312-x86_64-linux-gnu");
  }
  test::Tree tree_;
};

TEST_F(TorchSearchTest, PrefersPackageThenExtensionThenModule) {
  tree_.file("a/torch.py").file("b/torch.py").file("b/torch.cpython-312-x86_64-linux-gnu.so");
  tree_.file("c/torch.py")
      .file("c/torch/__init__.py")
      .file("d/torch.cpython-310-x86_64-linux-gnu.so");
  EXPECT_EQ(find({"/a"}).path, "/a/torch.py");
  EXPECT_EQ(find({"/b"}).path, "/b/torch.cpython-312-x86_64-linux-gnu.so");
  EXPECT_EQ(find({"/c"}).path, "/c/torch");
  EXPECT_TRUE(find({"/c"}).package);
  EXPECT_FALSE(find({"/d"}).found());
  const FoundTorch first = find({"/d", "/a", "/c", "/b"});
  EXPECT_EQ(first.path, "/a/torch.py");
  EXPECT_THAT(first.shadowed, ElementsAre("/c/torch", "/b/torch.cpython-312-x86_64-linux-gnu.so"));
}

TEST_F(TorchSearchTest, TakesADirectoryWithoutInitOnlyIfItWasPyTorch) {
  tree_.directory("data/torch").file("site/torch/version.py").file("good/torch/__init__.py");
  EXPECT_FALSE(find({"/data"}).found());
  EXPECT_EQ(find({"/data"}).bare_directory, "/data/torch");
  EXPECT_EQ(find({"/site"}).path, "/site/torch");
  EXPECT_EQ(find({"/data", "/site", "/good"}).path, "/good/torch");
}

TEST_F(TorchSearchTest, TakesWhatHasOnlyItsCachesLeftIfPipKnowsOfIt) {
  tree_.file("site/torch/__pycache__/__init__.cpython-312.pyc");
  EXPECT_FALSE(find({"/site"}).found());
  tree_.file("site/torch-2.8.0.dist-info/RECORD");
  EXPECT_EQ(find({"/site"}).path, "/site/torch");
}

TEST_F(TorchSearchTest, DoesNotShadowItself) {
  tree_.file("a/torch/__init__.py").link("b", "/a");
  EXPECT_THAT(find({"/a", "/a", "/b"}).shadowed, IsEmpty());
}

TEST(TorchMetadata, IsThatOfTheVersionThatWillRun) {
  test::Tree tree;
  tree.file("s/torch-2.5.1.dist-info/METADATA", "Name: torch\nVersion: 2.5.1\n\nVersion: 9\n")
      .file("s/torch-2.8.0.dist-info/METADATA", "Name: torch\nVersion: 2.8.0\n")
      .file("s/torch-2.8.0.dist-info/WHEEL", "Tag: cp312-cp312-linux_x86_64\nTag: x\n")
      .file("s/torch_geometric-1.dist-info/METADATA", "Version: 1\n")
      .file("e/torch-1.13.0a0+git.egg-info/PKG-INFO", "Version: 1.13.0a0\n")
      .file("n/torch-2.0.dist-info/RECORD");
  const auto fs = base::RootFs::open(tree.root()).value();
  auto found = read_torch_metadata(fs, "/s", Fact<std::string>("2.8.0+cu128"));
  EXPECT_EQ(found.version, Fact<std::string>("2.8.0"));
  EXPECT_THAT(found.wheel_tags.value_or({}), ElementsAre("cp312-cp312-linux_x86_64", "x"));
  EXPECT_EQ(read_torch_metadata(fs, "/e", {}).version, Fact<std::string>("1.13.0a0"));
  EXPECT_TRUE(read_torch_metadata(fs, "/e", {}).wheel_tags.is_absent());
  EXPECT_EQ(read_torch_metadata(fs, "/n", {}).version, Fact<std::string>("2.0"));
  EXPECT_TRUE(read_torch_metadata(fs, "/nowhere", {}).version.is_absent());
}

TEST(TorchMetadata, RecordIsSearchedAcrossPieces) {
  test::Tree tree;
  std::string record =
      "torch/_C.cpython-312-x86_64-linux-gnu.so,sha256=x,1\ntorch/lib/libshm.so,,\n";
  for (int line = 0; line < 20'000; ++line)
    record += "torch/include/ATen/ops/file" + std::to_string(line) + ".h,sha256=abcdefgh,10\n" +
              (line % 1000 == 0 ? "torch/lib/lib" + std::to_string(line) + ".so.1,,\n" : "");
  record +=
      "torch/lib/libz.a,,\ntorch/lib/sub/x.so,,\ntorch/_C/__init__.pyi,,\ntorch/lib/last.so,,";
  tree.file("s/torch-1.dist-info/RECORD", record)
      .file("s/torch-1.dist-info/METADATA", "Version: 1\n");
  const auto fs = base::RootFs::open(tree.root()).value();
  const auto libraries = recorded_libraries(fs, read_torch_metadata(fs, "/s", {}));
  ASSERT_TRUE(libraries.ok()) << libraries.error().message;
  EXPECT_EQ(libraries->size(), 22U);
  EXPECT_THAT(*libraries, Contains("torch/lib/lib19000.so.1"));
  EXPECT_THAT(*libraries, Contains("torch/lib/last.so"));
  tree.file("s/torch-1.dist-info/RECORD", std::string(300'000, 'x'));
  EXPECT_FALSE(recorded_libraries(fs, read_torch_metadata(fs, "/s", {})).ok());
}

class TorchTest : public testing::Test {
 protected:
  ImageFacts read(const Texts& command = {"python3", "-I", "a.py"},
                  std::map<std::string, std::string> more = {}) {
    std::map<std::string, std::string> environment{{"PATH", "/usr/local/bin"}, {"HOME", "/root"}};
    for (const auto& [name, value] : more) environment[name] = value;
    auto fs = base::RootFs::open(tree_.root());
    return read_image({*fs, "/x", command, environment, "/srv", ""});
  }
  Texts missing() {
    const ImageFacts facts = read();
    EXPECT_TRUE(facts.torch.known()) << facts.torch.reason();
    return facts.torch->missing_files.value_or({facts.torch->missing_files.reason()});
  }
  std::string site() const { return image_.site_packages(); }
  void remove(const std::string& path) { std::filesystem::remove_all(tree_.at(path)); }
  std::string cut(const std::string& path) {
    std::filesystem::resize_file(tree_.at(path), std::filesystem::file_size(tree_.at(path)) - 70);
    return path;
  }

  test::PyTorchImage image_;
  test::Tree tree_;
};

TEST_F(TorchTest, IsReadWhole) {
  image_.write_to(tree_);
  const ImageFacts facts = read();
  ASSERT_TRUE(facts.torch.known()) << facts.torch.reason();
  const Torch& torch = *facts.torch;
  EXPECT_EQ(torch.version, Fact<std::string>("2.8.0+cu128"));
  EXPECT_EQ(torch.layout, Fact<std::string>("wheel"));
  EXPECT_EQ(torch.soabi, Fact<std::string>("cpython-312-x86_64-linux-gnu"));
  EXPECT_EQ(torch.exports_init, Fact<bool>(true));
  EXPECT_EQ(torch.cxx11_abi, Fact<bool>(true));
  EXPECT_THAT(missing(), IsEmpty());
  EXPECT_EQ(torch.arch_list.value_or({}).size(), image_.sass.size());
  ASSERT_TRUE(torch.device_code.known()) << torch.device_code.reason();
  EXPECT_EQ(torch.device_code->entries.at("sm_90"), 3U);
  ASSERT_TRUE(facts.cuda_runtime.known()) << facts.cuda_runtime.reason();
  EXPECT_EQ(facts.cuda_runtime->version, Fact<std::string>("12.8.90"));
  EXPECT_THAT(facts.cuda_runtime->found_by, HasSubstr("RPATH of"));
}

TEST_F(TorchTest, NamesEveryMissingLibrary) {
  image_.write_to(tree_);
  remove(site() + "/torch/lib/libc10_cuda.so");
  EXPECT_THAT(missing(), ElementsAre("libc10_cuda.so"));
  remove(site() + "/torch/lib/libtorch_python.so");
  EXPECT_THAT(missing(), Contains("libtorch_python.so"));
  remove(site() + "/torch/version.py");
  EXPECT_THAT(missing(), Contains("torch/version.py"));
  remove(site() + "/torch/_C.cpython-312-x86_64-linux-gnu.so");
  EXPECT_THAT(missing(), Contains("torch/_C.*.so"));
  EXPECT_TRUE(read().torch->soabi.is_absent());
}

// As Debian's: the libraries lie elsewhere, and torch/lib has links for what torch opens by path.
TEST_F(TorchTest, AsksForItsGlobalDependenciesByPath) {
  image_.write_to(tree_);
  const std::string deps = site() + "/torch/lib/libtorch_global_deps.so";
  remove(deps);
  EXPECT_THAT(missing(), IsEmpty()) << "this __init__.py does not ask for it";
  tree_.file(site() + "/torch/__init__.py",
             "if True:\n    if True:\n        _load_global_deps()\n");
  EXPECT_THAT(missing(), IsEmpty()) << "a build that does without";
  tree_.file(site() + "/torch/_utils_internal.py", "import os\nUSE_GLOBAL_DEPS = True\n");
  EXPECT_THAT(missing(), ElementsAre("torch/lib/libtorch_global_deps.so"));
  image_.write_torch(tree_);
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(TorchTest, KnowsATruncatedLibrary) {
  image_.write_to(tree_);
  cut(site() + "/torch/lib/libtorch_cuda.so");
  EXPECT_THAT(missing(), ElementsAre("torch/lib/libtorch_cuda.so (truncated)"));
  EXPECT_TRUE(read().torch->device_code.is_unknown());
  std::filesystem::resize_file(tree_.at(site() + "/torch/lib/libc10.so"), 0);
  EXPECT_THAT(missing(), Contains(HasSubstr("torch/lib/libc10.so (")));
  EXPECT_TRUE(read().torch->cxx11_abi.is_unknown());
}

TEST_F(TorchTest, HoldsRecordAgainstTheFiles) {
  image_.write_to(tree_);
  const std::string info = site() + "/torch-" + image_.torch_version + ".dist-info";
  tree_.file(info + "/RECORD",
             "torch/lib/libtorch.so,,\ntorch/lib/libgone.so,sha256=x,5\n"
             "torch/_C.cpython-312-x86_64-linux-gnu.so,,99\n");
  EXPECT_THAT(missing(), ElementsAre("torch/lib/libgone.so"));
}

TEST_F(TorchTest, WithExtensionsForOthersShowsThemAll) {
  image_.torch_tag = "cpython-310";
  image_.write_to(tree_);
  EXPECT_EQ(read().torch->soabi, Fact<std::string>("cpython-310-x86_64-linux-gnu"));
  EXPECT_THAT(missing(), IsEmpty()) << "another ABI is not a missing file";
  tree_.file(site() + "/torch/_C.cpython-312-x86_64-linux-gnu.so",
             ElfBuilder().needs("libtorch_python.so").runpath("$ORIGIN/lib").build());
  const Torch torch = *read().torch;
  EXPECT_EQ(torch.soabi, Fact<std::string>("cpython-312-x86_64-linux-gnu"));
  EXPECT_THAT(torch.soabis,
              ElementsAre("cpython-310-x86_64-linux-gnu", "cpython-312-x86_64-linux-gnu"));
  EXPECT_EQ(torch.exports_init, Fact<bool>(false));
}

TEST_F(TorchTest, NamesTheSymbolsThatPythonLacks) {
  image_.write_to(tree_);
  tree_.file(site() + "/torch/lib/libtorch_python.so", ElfBuilder()
                                                           .soname("libtorch_python.so")
                                                           .wants("PyModule_Create2")
                                                           .wants("PyZzz_New")
                                                           .wants("_PyZzz_Old")
                                                           .wants("PyWeak_Maybe", true)
                                                           .wants("malloc")
                                                           .build());
  EXPECT_THAT(read().torch->missing_python_symbols.value_or({}),
              ElementsAre("PyZzz_New", "_PyZzz_Old"));
  remove("usr/local/lib/libpython3.12.so.1.0");
  EXPECT_TRUE(read().torch->missing_python_symbols.is_unknown());
}

TEST_F(TorchTest, LacksPackagesAndModulesThatItsImportNeeds) {
  image_.write_to(tree_);
  for (const char* part : {"autograd", "backends", "cuda", "distributed", "fx", "jit", "nn",
                           "optim", "sparse", "utils"})
    tree_.directory(site() + "/torch/" + part);
  tree_.directory(site() + "/torchgen");
  EXPECT_THAT(missing(), ElementsAre("torch/testing", "typing_extensions"));
  tree_.directory(site() + "/torch/testing").file("usr/local/lib/python3.12/typing_extensions.py");
  EXPECT_THAT(missing(), IsEmpty());
  remove(site() + "/torchgen");
  EXPECT_THAT(missing(), ElementsAre("torchgen"));
  tree_.file(site() + "/torch/version.py", "__version__ = '2.4.1+cu124'\ncuda = '12.4'\n");
  EXPECT_THAT(missing(), IsEmpty()) << "not known of releases before 2.6";
}

TEST_F(TorchTest, OfTheWorkingDirectoryHidesTheInstalledOne) {
  image_.write_to(tree_);
  tree_.file("srv/torch/__init__.py").file("srv/lib/torch.py");
  const Torch hidden = *read({"python3", "-m", "train"}).torch;
  EXPECT_EQ(hidden.path, "/srv/torch");
  EXPECT_EQ(hidden.sys_path_entry, "/srv");
  EXPECT_THAT(hidden.shadowed, ElementsAre("/" + site() + "/torch"));
  EXPECT_EQ(read({"python3", "-I", "train.py"}).torch->path, "/" + site() + "/torch");
  const Torch module = *read({"python3", "/srv/lib/a.py"}).torch;
  EXPECT_EQ(module.path, "/srv/lib/torch.py");
  EXPECT_TRUE(module.version.is_unknown());
}

TEST_F(TorchTest, ThatIsNotThereIsAbsentOrUnknown) {
  image_.write_python(tree_);
  EXPECT_TRUE(read().torch.is_absent());
  tree_.file(site() + "/__editable___torch_finder.pth", "import __editable___torch_finder\n");
  EXPECT_TRUE(read().torch.is_unknown());
}

TEST_F(TorchTest, WithoutCudaHasNoArchitectures) {
  image_.cuda = "";
  image_.torch_version = "2.8.0+cpu";
  image_.write_to(tree_);
  const ImageFacts facts = read();
  EXPECT_TRUE(facts.torch->cuda.is_absent());
  EXPECT_TRUE(facts.torch->arch_list.is_absent());
  EXPECT_TRUE(facts.torch->device_code.is_absent());
  EXPECT_TRUE(facts.cuda_runtime.is_absent());
  EXPECT_THAT(missing(), IsEmpty());
}

// For whoever wants to ask the driver while libraries are still being read.
TEST_F(TorchTest, SaysEarlyThatItIsACudaBuild) {
  const auto said = [&] {
    int count = 0;
    auto fs = base::RootFs::open(tree_.root());
    ImageQuery query{*fs, "/x", {"/usr/local/bin/python3"}, {}, "/srv", ""};
    query.cuda_is_known = [&] { ++count; };
    read_image(query);
    return count;
  };
  image_.write_to(tree_);
  EXPECT_EQ(said(), 1);
  remove(site() + "/torch/lib");
  EXPECT_EQ(said(), 1);
  tree_.file(site() + "/torch/version.py", "__version__ = '2.8.0+cpu'\ncuda = None\n");
  EXPECT_EQ(said(), 0);
}

TEST_F(TorchTest, OfCondaHasItsLibrariesInThePrefix) {
  image_.write_to(tree_);
  const std::string torch = site() + "/torch";
  std::filesystem::create_directories(tree_.at("usr/local/lib"));
  for (const auto& entry : std::filesystem::directory_iterator(tree_.at(torch + "/lib")))
    std::filesystem::rename(entry.path(), tree_.at("usr/local/lib") / entry.path().filename());
  tree_.file(torch + "/_C.cpython-312-x86_64-linux-gnu.so",
             ElfBuilder().needs("libtorch_python.so").rpath("$ORIGIN/../../../").build());
  tree_.file("usr/local/lib/libtorch_python.so",
             ElfBuilder().needs({"libtorch_cuda.so", "libc10.so"}).runpath("$ORIGIN").build());
  tree_.file("usr/local/conda-meta/pytorch-2.8.0-cuda.json");
  const ImageFacts facts = read();
  EXPECT_EQ(facts.torch->layout, Fact<std::string>("conda"));
  EXPECT_THAT(missing(), IsEmpty());
  EXPECT_THAT(facts.torch->device_code->files, ElementsAre("/usr/local/lib/libtorch_cuda.so"));
  EXPECT_EQ(facts.torch->cxx11_abi, Fact<bool>(true));
}

TEST_F(TorchTest, ArchitecturesMustBeUnambiguous) {
  image_.write_to(tree_);
  const auto archs = [&](const std::string& strings) {
    tree_.file(site() + "/torch/lib/libtorch_python.so",
               ElfBuilder().section(".rodata", strings).build());
    return read().torch->arch_list;
  };
  const auto list = [](const char* text) { return std::string(text) + std::string(1, '\0'); };
  EXPECT_THAT(archs(list("x") + list("sm_80 compute_90a")).value_or({}),
              ElementsAre("sm_80", "compute_90a"));
  // A vector constant without NUL lies before it (2.8.0).
  EXPECT_THAT(archs(list("std::string ipc_hsm_70 sm_75")).value_or({}),
              ElementsAre("sm_70", "sm_75"));
  EXPECT_TRUE(archs(list("sm_80") + list("sm_90 sm_100")).is_unknown());
  EXPECT_TRUE(archs(list("sm_count") + list("sm_8x")).is_unknown());
  EXPECT_TRUE(archs("sm_80 sm_90").is_unknown()) << "no end";
  // Across the border of two pieces.
  EXPECT_THAT(archs(std::string(256 * 1024 - 4, '\0') + list("sm_80 sm_90")).value_or({}),
              ElementsAre("sm_80", "sm_90"));
  EXPECT_TRUE(archs(std::string(3'000'000, 's') + "m_").is_unknown());
}

class RuntimeTest : public TorchTest {
 protected:
  void SetUp() override {
    image_.runtime_version = "";
    image_.write_to(tree_);
  }
  std::string cudart() const { return ElfBuilder().soname("libcudart.so.12").build(); }
};

TEST_F(RuntimeTest, ThatIsNowhereIsAbsent) {
  EXPECT_TRUE(read().cuda_runtime.is_absent());
  EXPECT_THAT(read().cuda_runtime.reason(), HasSubstr("needs libcudart.so.12"));
}

TEST_F(RuntimeTest, OfAToolkitHasItsVersionInTheFileName) {
  tree_.file("usr/local/cuda-12.4/lib64/libcudart.so.12.4.127", cudart())
      .link("usr/local/cuda-12.4/lib64/libcudart.so.12", "libcudart.so.12.4.127")
      .link("usr/local/cuda", "/usr/local/cuda-12.4");
  const auto runtime =
      read({"python3"}, {{"LD_LIBRARY_PATH", "/usr/local/cuda/lib64"}}).cuda_runtime;
  ASSERT_TRUE(runtime.known()) << runtime.reason();
  EXPECT_EQ(runtime->path, "/usr/local/cuda/lib64/libcudart.so.12");
  EXPECT_EQ(runtime->found_by, "LD_LIBRARY_PATH");
  EXPECT_EQ(runtime->version, Fact<std::string>("12.4.127"));
  // Set by the command itself, not by the image.
  tree_.executable("usr/local/bin/env", ElfBuilder().build());
  EXPECT_EQ(read({"env", "LD_LIBRARY_PATH=/usr/local/cuda/lib64", "python3"}).cuda_runtime,
            runtime);
}

TEST_F(RuntimeTest, OfAToolkitMayHaveAVersionFile) {
  tree_.file("opt/cuda/targets/x86_64-linux/lib/libcudart.so.12", cudart())
      .file("opt/cuda/version.json", R"({"cuda_cudart": {"name": "CUDA", "version": "12.9.79"}})");
  const std::map<std::string, std::string> environment{
      {"LD_LIBRARY_PATH", "/opt/cuda/targets/x86_64-linux/lib"}};
  EXPECT_EQ(read({"python3"}, environment).cuda_runtime->version, Fact<std::string>("12.9.79"));
  tree_.file("opt/cuda/version.json", "{");
  EXPECT_TRUE(read({"python3"}, environment).cuda_runtime->version.is_unknown());
}

TEST_F(RuntimeTest, IsPreloadedByTorchFromSysPath) {
  tree_
      .file(image_.site_packages() + "/torch/__init__.py",
            "        (\"cuda_runtime\", \"libcudart.so.*[0-9]\"),\n")
      .file("extra/nvidia/cu12/lib/libcudart.so.12", cudart())
      .file("extra/nvidia_cuda_runtime-12.8.90.dist-info/METADATA")
      .file("extra/nvidia_cuda_runtime-13.0.1.dist-info/METADATA");
  const auto runtime = read({"python3", "a.py"}, {{"PYTHONPATH", "/extra"}}).cuda_runtime;
  ASSERT_TRUE(runtime.known()) << runtime.reason();
  EXPECT_EQ(runtime->path, "/extra/nvidia/cu12/lib/libcudart.so.12");
  EXPECT_THAT(runtime->found_by, HasSubstr("preload"));
  EXPECT_EQ(runtime->version, Fact<std::string>("12.8.90"));
}

TEST(RuntimeVersion, IsNotTakenFromASoname) {
  test::Tree tree;
  tree.directory("lib");
  const auto fs = base::RootFs::open(tree.root()).value();
  const auto version = [&](const std::string& path) {
    CudaRuntime runtime;
    runtime.soname = "libcudart.so.11.0";
    runtime.path = path;
    read_runtime_version(fs, path, runtime);
    return runtime.version;
  };
  EXPECT_EQ(version("/lib/libcudart.so.11.8.89"), Fact<std::string>("11.8.89"));
  EXPECT_TRUE(version("/lib/libcudart.so.11.0").is_unknown());
  EXPECT_TRUE(version("/lib/libcudart-d0da41ae.so.11.0").is_unknown());
  EXPECT_TRUE(version("/lib/libcudart.so.12.x.1").is_unknown());
  EXPECT_TRUE(version("/lib/libcudart.so").is_unknown());
}

}  // namespace
}  // namespace gpuinit::image
