#include "image/extensions/extensions.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/extensions/extension_files.h"
#include "image/extensions/extension_loading.h"
#include "image/extensions/torch_imports.h"
#include "image/frameworks/driver_functions.h"
#include "image/python_image.h"
#include "ldso/library_search.h"

namespace gpuinit::image {
namespace {

using test::ElfBuilder;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kSite = "/usr/local/lib/python3.10/site-packages";
const std::string kTag = "cpython-310-x86_64-linux-gnu";
constexpr const char* kNewString =
    "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE";

// An interpreter and a torch that defines c10::Error's constructor.
class Image {
 public:
  Image() {
    tree_.file("/usr/bin/python3", test::python_program(), 0755);
    tree_.file("/lib64/ld-linux-x86-64.so.2", ElfBuilder().soname("ld-linux-x86-64.so.2").build());
    library("/lib64/libc.so.6", ElfBuilder().soname("libc.so.6"));
    library(kSite + "/torch/lib/libc10.so", ElfBuilder().soname("libc10.so").defines(kNewString));
    library(kSite + "/torch/lib/libtorch.so",
            ElfBuilder().soname("libtorch.so").needs("libc10.so").runpath("$ORIGIN"));
    python_.machine = std::string("x86_64");
    python_.soabi = kTag;
    python_.sys_path = std::vector<std::string>{"/usr/local/lib/python3.10", kSite};
  }

  Image& library(const std::string& path, const ElfBuilder& elf) {
    tree_.file(path, elf.build());
    return *this;
  }
  // An extension of kSite that asks torch for something.
  Image& extension(const std::string& relative, ElfBuilder elf = wants_torch()) {
    return library(kSite + "/" + relative, elf);
  }
  static ElfBuilder wants_torch() {
    return ElfBuilder().needs("libtorch.so").needs("libc10.so").wants(kNewString);
  }
  Image& record(const std::string& distribution, const std::string& lines) {
    tree_.file(kSite + "/" + distribution + ".dist-info/RECORD", lines);
    return *this;
  }
  test::Tree& tree() { return tree_; }

  // Of the first extension.
  std::vector<std::string> undefined_with_driver() {
    ImageFacts facts;
    facts.interpreter = python_;
    facts.extensions = load();
    auto fs = base::RootFs::open(tree_.root());
    find_driver_functions(ldso::LibrarySearch(*fs, {}), facts);
    std::vector<std::string> names;
    for (const auto& symbol : *facts.extensions->front().problems.undefined_symbols)
      names.push_back(symbol.name);
    return names;
  }

  std::vector<Extension> read(ExtensionScope scope = {}) {
    auto fs = base::RootFs::open(tree_.root());
    const ldso::LibrarySearch search(*fs, {});
    auto extensions = read_extensions({*fs, search, python_, {}, scope}).facts;
    EXPECT_TRUE(extensions.known());
    return extensions.value_or({});
  }
  std::vector<std::string> names(ExtensionScope scope = {}) {
    std::vector<std::string> names;
    for (const auto& extension : read(scope))
      names.push_back(extension.path.substr(kSite.size() + 1));
    return names;
  }
  std::vector<Extension> load(ExtensionScope scope = {}) {
    auto fs = base::RootFs::open(tree_.root());
    const ldso::LibrarySearch search(*fs, {});
    const auto found = read_extensions({*fs, search, python_, {}, scope});
    auto extensions = found.facts.value_or({});
    auto closure = ldso::LoaderClosure::of_program(*fs, search, {}, "/usr/bin/python3");
    EXPECT_TRUE(closure.ok());
    EXPECT_TRUE(closure->open(kSite + "/torch/lib/libtorch.so").ok());
    WheelLibraries wheels(*fs, *python_.sys_path);
    ExtensionLoading loading(*fs, wheels, *closure, python_, found.needed, extensions);
    ldso::SymbolCheck symbols(*closure);
    loading.find_problems(symbols, ldso::check_versions(*closure));
    return extensions;
  }

 private:
  test::Tree tree_;
  Interpreter python_;
};

std::vector<std::string> missing(const Extension& extension) {
  std::vector<std::string> names;
  for (const auto& library : extension.problems.missing) names.push_back(library.name);
  return names;
}

std::vector<std::string> undefined(const Extension& extension) {
  std::vector<std::string> names;
  if (!extension.problems.undefined_symbols)
    return {"unknown: " + extension.problems.undefined_symbols.reason()};
  for (const auto& symbol : *extension.problems.undefined_symbols) names.push_back(symbol.name);
  return names;
}

// It is read in pieces of 64 KB: a line may begin in one and end in the next.
TEST(Extensions, AreFoundInALongRecordWhereverTheyStand) {
  for (std::size_t before = 65'536 - 24; before <= 65'536; ++before) {
    Image image;
    image.extension("deep/down/in/the/package/_C.so");
    std::string lines;
    while (lines.size() + 40 < before) lines += "deep/module.py,,\n";
    lines += "deep/" + std::string(before - lines.size() - 8, 'x') + ",,\n";
    ASSERT_EQ(lines.size(), before);
    lines += "deep/down/in/the/package/_C.so,sha256=x,17\n";
    for (int i = 0; i < 400; ++i) lines += "deep/other.py,,\n";
    image.record("deep-1.0", lines);
    ASSERT_THAT(image.names(), ElementsAre("deep/down/in/the/package/_C.so")) << before;
  }
}

std::vector<ContestedFile> contested(const test::Tree& tree) {
  const auto fs = base::RootFs::open(tree.root());
  return find_extension_files(*fs, {kSite}, {}, {}).contested;
}

TEST(Extensions, OfTwoRecordsAreContestedWhereTheirHashesDiffer) {
  Image image;
  image.tree().file(kSite + "/nvidia/nccl/lib/libnccl.so.2", "123");
  image.record("nvidia_nccl_cu12-2.27.3", "nvidia/nccl/lib/libnccl.so.2,sha256=aaaaaaaa1,3\n")
      .record("nvidia_nccl_cu13-2.30.7",
              "x.py,,\nnvidia/nccl/lib/libnccl.so.2,sha256=bbbbbbbb1,4\nx.pyc,,")
      .record("nvidia_cudnn_cu13-9.1", "nvidia/cudnn/lib/libcudnn.so.9,sha256=cccccccc1,4\n")
      .record("a-1", "shared/a.so,sha256=aaaaaaaa1,3\nshared/b.so,sha256=aaaaaaaa1,3\n")
      .record("b-1", "shared/a.so,sha256=aaaaaaaa1,3\nshared/b.so,sha256=bbbbbbbb1,3\n")
      .record("numpy-1", "shared/c.so,sha256=aaaaaaaa1,3\n");
  const auto files = contested(image.tree());
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files[0].path, kSite + "/shared/b.so");
  EXPECT_FALSE(files[0].there) << "there is no such file";
  EXPECT_EQ(files[2].path, kSite + "/nvidia/nccl/lib/libnccl.so.2");
  EXPECT_EQ(files[2].dist_info, kSite + "/nvidia_nccl_cu12-2.27.3.dist-info");
  EXPECT_TRUE(files[2].there);
  EXPECT_EQ(files[3].dist_info, kSite + "/nvidia_nccl_cu13-2.30.7.dist-info");
  EXPECT_FALSE(files[3].there);
}

TEST(Extensions, AreFoundInEveryDirectoryOfPackages) {
  test::Tree tree;
  tree.file("/app/lib/mine/_C.so").file("/app/lib/other/_C.so");
  tree.file("/app/lib/mine-1.0.dist-info/RECORD", "mine/_C.so,,\n");
  const auto fs = base::RootFs::open(tree.root());
  const Package mine{"mine", "1.0", "/app/lib/mine-1.0.dist-info", {}};
  const auto found = find_extension_files(*fs, {"/app", "/app/lib"}, {mine}, {}).extensions;
  ASSERT_EQ(found.size(), 1U) << "what no RECORD names may be anything";
  EXPECT_EQ(found[0].path(), "/app/lib/mine/_C.so");
  EXPECT_TRUE(find_extension_files(*fs, {"/app", "/app/lib"}, {}, {}).extensions.empty());
}

TEST(Extensions, LieBesideModulesThatNeedNeitherTorchNorCuda) {
  Image image;
  image.extension("open3d/open3d_torch_ops.so")
      .extension("open3d/pybind." + kTag + ".so", ElfBuilder().needs("libc.so.6"))
      .extension("vision/_C.so");
  const auto extensions = image.read();
  ASSERT_EQ(extensions.size(), 2U);
  EXPECT_TRUE(extensions[0].beside_independent);
  EXPECT_FALSE(extensions[1].beside_independent);
}

TEST(Extensions, AreThoseThatNeedTorchOrCuda) {
  Image image;
  image.extension("torchvision/_C.so")
      .extension("flash_attn_2_cuda." + kTag + ".so")
      .extension("cupy/_core/core." + kTag + ".so", ElfBuilder().needs("libcudart.so.12"))
      .extension("lxml2/etree." + kTag + ".so", ElfBuilder().needs("libxml2.so.2"));
  image.tree().file(kSite + "/notelf/data.so", "text");
  EXPECT_THAT(image.names(), ElementsAre("cupy/_core/core." + kTag + ".so",
                                         "flash_attn_2_cuda." + kTag + ".so", "torchvision/_C.so"));
  const auto extensions = image.read();
  EXPECT_EQ(extensions[1].package, "flash_attn_2_cuda");
  EXPECT_EQ(extensions[1].soabi.value_or(""), kTag);
  EXPECT_EQ(extensions[2].package, "torchvision");
  EXPECT_TRUE(extensions[2].soabi.is_absent());
  EXPECT_EQ(extensions[2].machine.value_or(""), "x86_64");
  EXPECT_THAT(extensions[2].needs, ElementsAre("libtorch.so", "libc10.so"));
  EXPECT_TRUE(extensions[2].numpy_abi.is_absent());
  EXPECT_TRUE(extensions[2].device_code.is_absent());
  EXPECT_FALSE(extensions[2].asked_for);
}

TEST(Extensions, ARecordSpeaksForItsDirectories) {
  Image image;
  image.extension("deep/a/b/c/d/e/_C.so")
      .extension("deep/stray.so")
      .extension("walked/a/_C.so")
      .record("deep-1.0", "deep/__init__.py,,\ndeep/a/b/c/d/e/_C.so,sha256=x,1\n../x.so,,\n");
  EXPECT_THAT(image.names(), ElementsAre("deep/a/b/c/d/e/_C.so", "walked/a/_C.so"));
}

TEST(Extensions, TorchNvidiaAndBundledLibrariesAreNotAmongThem) {
  Image image;
  for (const char* name : {"torch/_C.so", "nvidia/cudnn/lib/libcudnn.so", "torchvision.libs/a.so",
                           "triton/backends/x.so", "scipy/x.so", "~orchvision/_C.so"})
    image.extension(name);
  EXPECT_THAT(image.names(), IsEmpty());
}

TEST(Extensions, ThePolicyAddsAndTakesAway) {
  Image image;
  image.extension("mine/_fast.so", ElfBuilder().needs("libm.so.6"))
      .extension("torchvision/_C.so")
      .extension("torchvision/image.so");
  const auto extensions = image.read({{"mine/*", "torchvision/_C*"}, {"*/image.so"}});
  ASSERT_EQ(extensions.size(), 2U);
  EXPECT_EQ(extensions[0].package, "mine");
  EXPECT_TRUE(extensions[0].asked_for);
  EXPECT_TRUE(extensions[1].asked_for);
  image.tree().file(kSite + "/mine/_fast.so", "truncated");
  EXPECT_TRUE(image.read({{"mine/*"}, {}})[0].machine.is_unknown());
}

TEST(Extensions, ANameMeansThePackage) {
  Image image;
  image.extension("torchvision/_C.so")
      .extension("cv2/gpu/x.so")
      .extension("flash_attn_2_cuda." + kTag + ".so")
      .record("flash_attn-2.8.3",
              "flash_attn/__init__.py,,\nflash_attn_2_cuda." + kTag + ".so,sha256=x,1\n");
  auto extensions = image.read({{"torchvision", "flash-attn"}, {}});
  ASSERT_EQ(extensions.size(), 3U);
  EXPECT_FALSE(extensions[0].asked_for);
  EXPECT_EQ(extensions[0].distribution, "");
  EXPECT_TRUE(extensions[1].asked_for) << "its RECORD names it";
  EXPECT_EQ(extensions[1].distribution, "flash-attn");
  EXPECT_TRUE(extensions[2].asked_for);
  EXPECT_EQ(image.read({{}, {"cv2", "Flash_Attn*", "torchvision"}}).size(), 0U);
}

TEST(Extensions, TheCxxAbiShowsInTheNames) {
  Image image;
  image.extension("new/_C.so")
      .extension("none/_C.so", ElfBuilder().needs("libtorch.so").wants("_ZN2at5emptyEv"))
      .extension("old/_C.so",
                 ElfBuilder().needs("libtorch.so").wants("_ZN3c105ErrorC2ENS_14SourceLocationESs"));
  const auto extensions = image.read();
  ASSERT_EQ(extensions.size(), 3U);
  EXPECT_EQ(extensions[0].cxx11_abi, Fact<bool>(true));
  EXPECT_TRUE(extensions[1].cxx11_abi.is_absent());
  EXPECT_EQ(extensions[2].cxx11_abi, Fact<bool>(false));
}

// Of a NumPy that torch's import falls over.
TEST(TorchImports, ANumpyForAnotherPythonOrCLibraryIsNamed) {
  const std::string other = "numpy/_core/_multiarray_umath.cpython-310-x86_64-linux-musl.so";
  const std::string storage = "try:\n    import numpy as np\n\n    HAS = True\nexcept ";
  const auto names = [&](const std::string& except, std::initializer_list<std::string> files) {
    test::Tree tree;
    tree.file(kSite + "/numpy/__init__.py", "")
        .file(kSite + "/torch/storage.py", storage + except + ":\n    HAS = False\n");
    for (const std::string& file : files) tree.file(kSite + "/" + file, "");
    Interpreter python;
    python.soabi = kTag;
    python.sys_path = std::vector<std::string>{"/usr/local/lib/python3.10", kSite};
    Torch torch;
    torch.path = kSite + "/torch";
    FoundExtensions found{std::vector<Extension>{}, {}};
    add_torch_imports(*base::RootFs::open(tree.root()), python, torch, found);
    EXPECT_EQ(found.needed.size(), found.facts->size());
    std::vector<std::string> paths;
    for (const Extension& extension : *found.facts) {
      EXPECT_EQ(extension.package, "numpy");
      EXPECT_EQ(extension.soabi, std::string("cpython-310-x86_64-linux-musl"));
      paths.push_back(extension.path.substr(kSite.size() + 1));
    }
    return paths;
  };
  EXPECT_THAT(names("ModuleNotFoundError", {other}), ElementsAre(other));
  EXPECT_THAT(names("ImportError", {other}), IsEmpty()) << "torch would pass over it";
  EXPECT_THAT(names("ModuleNotFoundError", {}), IsEmpty());
  EXPECT_THAT(
      names("ModuleNotFoundError", {other, "numpy/_core/_multiarray_umath." + kTag + ".so"}),
      IsEmpty());
}

// Others' names may come from what a package has opened for everybody before.
TEST(ExtensionLoading, TheNamesLookedForAreThoseOfPythonTorchAndCuda) {
  for (const char* name : {"PyList_New", "_ZN2at5emptyEv", "cudaMalloc", "__nvJitLinkCreate_12_8",
                           "cusparseLtInit", "cuFileRead", "nvshmemx_init_thread", "cudssCreate",
                           "cutensorCreate", "nppiNV12ToRGB_8u", "cuptiGetVersion", "cuInit"})
    EXPECT_TRUE(is_checked_symbol(name)) << name;
  for (const char* name :
       {"nvte_gemm", "curl_easy_init", "_ZN4nvte4gemmEv", "malloc", "nccl", "cu"})
    EXPECT_FALSE(is_checked_symbol(name)) << name;
}

TEST(ExtensionLoading, FindsWhatTorchHasAndWhatItLacks) {
  Image image;
  image.extension("good/_C.so")
      .extension("other/_C.so", Image::wants_torch().wants("_ZN3c104cuda9SetDeviceEa"));
  const auto extensions = image.load();
  EXPECT_THAT(missing(extensions[0]), IsEmpty());
  EXPECT_THAT(undefined(extensions[0]), IsEmpty());
  EXPECT_THAT(undefined(extensions[1]), ElementsAre("_ZN3c104cuda9SetDeviceEa"));
}

TEST(ExtensionLoading, OneThatAnotherNeedsIsOpenedFirst) {
  Image image;
  image.extension("audio/lib/_audio.so", Image::wants_torch().needs("libaudio.so"))
      .extension("audio/lib/libaudio.so", Image::wants_torch().soname("libaudio.so"))
      .extension("codec/_codec.so", Image::wants_torch().needs("libav.so.56"));
  const auto extensions = image.load();
  ASSERT_EQ(extensions.size(), 3U);
  EXPECT_THAT(missing(extensions[0]), IsEmpty());
  EXPECT_THAT(undefined(extensions[0]), IsEmpty());
  EXPECT_THAT(missing(extensions[2]), ElementsAre("libav.so.56"));
  EXPECT_THAT(undefined(extensions[2]), ElementsAre("unknown: libav.so.56 is missing"));
}

// CuPy 14 asks cuda.pathfinder for the library first; CuPy 13 opens a few others by name.
TEST(ExtensionLoading, WhatPythonOpensFirstIsNotMissing) {
  const auto cusolver = [&](const std::string& source) {
    Image image;
    image.extension("cupy/libs/cusolver.so", Image::wants_torch().needs("libcusolver.so.11"))
        .extension("nvidia/cusolver/lib/libcusolver.so.11",
                   ElfBuilder().soname("libcusolver.so.11"));
    image.tree().file(kSite + "/cupy/libs/__init__.py", source);
    const auto loaded = image.load().front();
    for (const auto& library : loaded.problems.missing)
      EXPECT_THAT(library.elsewhere, ElementsAre(kSite + "/nvidia/cusolver/lib/libcusolver.so.11"));
    return missing(loaded);
  };
  EXPECT_THAT(cusolver("from cuda import pathfinder as _pathfinder\n"), IsEmpty());
  EXPECT_THAT(cusolver("for lib in ['nvidia/cusolver/lib']: ctypes.CDLL(lib)\n"), IsEmpty());
  EXPECT_THAT(cusolver("for lib in ['nvidia/nccl/lib']: ctypes.CDLL(lib)\n"),
              ElementsAre("libcusolver.so.11"));
  EXPECT_THAT(cusolver(""), ElementsAre("libcusolver.so.11"));
}

// libcuda.so.1 comes with the node.
TEST(ExtensionLoading, TheDriverIsNotMissed) {
  Image image;
  image.extension("drives/_C.so", Image::wants_torch().needs("libcuda.so.1").wants("cuMemAlloc_v2"))
      .extension("runs/_C.so", Image::wants_torch().wants("cudaMalloc"));
  const auto extensions = image.load();
  EXPECT_THAT(missing(extensions[0]), IsEmpty());
  EXPECT_THAT(undefined(extensions[0]), IsEmpty());
  ASSERT_EQ(extensions[0].problems.driver_functions.size(), 1U);
  EXPECT_EQ(extensions[0].problems.driver_functions[0].name, "cuMemAlloc_v2");
  EXPECT_THAT(undefined(extensions[1]), ElementsAre("cudaMalloc"));
}

// What is asked of it is looked up in the driver at hand.
TEST(ExtensionLoading, ADriverWithoutAFunctionIsTold) {
  Image image;
  image
      .extension("drives/_C.so", Image::wants_torch()
                                     .needs("libcuda.so.1")
                                     .wants("cuMemAlloc_v2")
                                     .wants("cuOfTomorrow")
                                     .wants("nvmlInit_v2"))
      .library("/usr/lib64/libcuda.so.1",
               ElfBuilder().soname("libcuda.so.1").defines("cuMemAlloc_v2"));
  EXPECT_THAT(image.undefined_with_driver(), ElementsAre("cuOfTomorrow"));
}

TEST(ExtensionLoading, ForAnotherPythonOrProcessorNothingIsOpened) {
  Image image;
  image.extension("a/_C.cpython-311-x86_64-linux-gnu.so")
      .extension("b/_C.so", Image::wants_torch().machine(EM_AARCH64))
      .extension("c/_C.abi3.so", Image::wants_torch().wants("Py_Gone"));
  const auto extensions = image.load();
  EXPECT_THAT(undefined(extensions[0]), ElementsAre("unknown: it is not for this interpreter"));
  EXPECT_THAT(undefined(extensions[1]), ElementsAre("unknown: it is not for this interpreter"));
  EXPECT_THAT(undefined(extensions[2]), ElementsAre("Py_Gone"));
}

TEST(ExtensionLoading, LooksForPythonsTorchsAndCudasSymbols) {
  for (const char* name : {"_ZN3c105ErrorC1Ev", "_ZNK2at6Tensor4sizeEl", "_ZTVN5torch3jit4NodeE",
                           "_ZTIN3c1010TensorImplE", "PyList_New", "_Py_Dealloc", "cudaMalloc",
                           "cuInit", "cublasCreate_v2", "ncclAllReduce", "__cudaRegisterFunction"})
    EXPECT_TRUE(is_checked_symbol(name)) << name;
  for (const char* name : {"malloc", "_ZNSt6vectorIiE", "curl_easy_init", "av_free", "_ZN2av3getEv",
                           "_Z3addii", "_Z", ""})
    EXPECT_FALSE(is_checked_symbol(name)) << name;
}

}  // namespace
}  // namespace gpuinit::image
