// What becomes of a made image in the fact image.loader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "image/read_image.h"
#include "support/pytorch_image.h"

namespace gpuinit::image {
namespace {

using test::ElfBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class LoaderFactsTest : public testing::Test {
 protected:
  LoaderFactsTest() { image_.write_to(tree_); }

  LoaderFacts read(std::map<std::string, std::string> more = {}) {
    std::map<std::string, std::string> environment{{"PATH", "/usr/local/bin"}};
    environment.merge(more);
    const auto fs = base::RootFs::open(tree_.root()).value();
    const ImageFacts facts =
        read_image({fs, "/x", {"python3", "-I", "a.py"}, environment, "/srv", ""});
    EXPECT_TRUE(facts.loader.known()) << facts.loader.reason();
    return facts.loader.value_or({});
  }
  Fact<std::string> cpu_level(std::string& of) const {
    const auto fs = base::RootFs::open(tree_.root()).value();
    const std::map<std::string, std::string> environment{{"PATH", "/usr/local/bin"}};
    ImageFacts facts = read_image({fs, "/x", {"python3", "-I", "a.py"}, environment, "/srv", ""});
    of = facts.cpu_level_of;
    return facts.cpu_level;
  }
  static const LoadedLibrary& library(const LoaderFacts& loader, const std::string& name) {
    static const LoadedLibrary kNone;
    for (const LoadedLibrary& one : loader.libraries)
      if (one.name == name) return one;
    ADD_FAILURE() << name << " is not loaded";
    return kNone;
  }

  std::string site() const { return image_.site_packages(); }
  // torch's libtorch_cpu, which needs nothing in the healthy image.
  void torch_cpu_needs(const std::string& soname) {
    tree_.file(site() + "/torch/lib/libtorch_cpu.so",
               ElfBuilder().soname("libtorch_cpu.so").needs(soname).rpath(image_.rpath()).build());
  }

  test::PyTorchImage image_;
  test::Tree tree_;
};

TEST_F(LoaderFactsTest, OfAHealthyImageHaveNoProblem) {
  const LoaderFacts loader = read();
  EXPECT_THAT(loader.problems.missing, IsEmpty());
  EXPECT_THAT(loader.problems.missing_versions, IsEmpty());
  EXPECT_THAT(loader.problems.undefined_symbols.value_or({{"unknown", "", ""}}), IsEmpty());
  const LoadedLibrary& cudart = library(loader, "libcudart.so.12");
  EXPECT_EQ(cudart.path, "/" + site() + "/nvidia/cuda_runtime/lib/libcudart.so.12");
  EXPECT_EQ(cudart.needed_by, "/" + site() + "/torch/lib/libtorch_global_deps.so");
  EXPECT_THAT(cudart.found_by, HasSubstr("RPATH of"));
}

TEST_F(LoaderFactsTest, TellWhichCpuIsNeeded) {
  std::string of;
  EXPECT_TRUE(cpu_level(of).is_absent());
  tree_.file(site() + "/torch/lib/libtorch_cpu.so",
             ElfBuilder().soname("libtorch_cpu.so").cpu_level(3).build());
  EXPECT_EQ(cpu_level(of), Fact<std::string>("x86-64-v3"));
  EXPECT_EQ(of, "/" + site() + "/torch/lib/libtorch_cpu.so");
}

TEST_F(LoaderFactsTest, NameWhatIsMissingAndWhereItLies) {
  torch_cpu_needs("libcudnn.so.9");
  tree_.file(site() + "/nvidia/cudnn/lib/libcudnn.so.9",
             ElfBuilder().soname("libcudnn.so.9").build());
  const LoaderFacts loader = read();
  ASSERT_EQ(loader.problems.missing.size(), 1U);
  const MissingLibrary& missing = loader.problems.missing[0];
  EXPECT_EQ(missing.name, "libcudnn.so.9");
  EXPECT_EQ(missing.needed_by, "/" + site() + "/torch/lib/libtorch_cpu.so");
  EXPECT_THAT(missing.elsewhere, ElementsAre("/" + site() + "/nvidia/cudnn/lib/libcudnn.so.9"));
  EXPECT_TRUE(loader.problems.undefined_symbols.is_unknown());
}

TEST_F(LoaderFactsTest, TellTheDriversLibrariesFromTheImages) {
  torch_cpu_needs("libcuda.so.1");
  for (const bool is_there : {false, true}) {
    const LoaderFacts loader = read();
    EXPECT_THAT(loader.problems.missing, IsEmpty());
    EXPECT_TRUE(loader.problems.undefined_symbols.known());
    for (const LoadedLibrary& library : loader.libraries) EXPECT_NE(library.name, "libcuda.so.1");
    if (!is_there) tree_.file("usr/lib/libcuda.so.1", ElfBuilder().soname("libcuda.so.1").build());
  }
}

// nvJitLink of a toolkit before the wheel's, as in pytorch#134929: the symbol has the name of
// the library for a version, and the toolkit's is too old to have it.
TEST_F(LoaderFactsTest, SeeASymbolThatAShadowingLibraryLacks) {
  torch_cpu_needs("libcusparse.so.12");
  tree_.file("lib/libcusparse.so.12", ElfBuilder()
                                          .soname("libcusparse.so.12")
                                          .needs("libnvJitLink.so.12")
                                          .needs_version("libnvJitLink.so.12", "libnvJitLink.so.12")
                                          .wants("__nvJitLinkAddData_12_1")
                                          .from_version("libnvJitLink.so.12")
                                          .runpath("/" + site() + "/nvidia/nvjitlink/lib")
                                          .build());
  const auto jit_link = [](const char* function) {
    return ElfBuilder()
        .soname("libnvJitLink.so.12")
        .defines_version("libnvJitLink.so.12")
        .defines(function)
        .in_version("libnvJitLink.so.12")
        .build();
  };
  tree_.file(site() + "/nvidia/nvjitlink/lib/libnvJitLink.so.12",
             jit_link("__nvJitLinkAddData_12_1"));
  tree_.file("usr/local/cuda/lib64/libnvJitLink.so.12", jit_link("__nvJitLinkAddData_12_0"));
  EXPECT_THAT(read().problems.undefined_symbols.value_or({{"unknown", "", ""}}), IsEmpty());

  const LoaderFacts loader = read({{"LD_LIBRARY_PATH", "/usr/local/cuda/lib64"}});
  const LoadedLibrary& loaded = library(loader, "libnvJitLink.so.12");
  EXPECT_EQ(loaded.path, "/usr/local/cuda/lib64/libnvJitLink.so.12");
  EXPECT_EQ(loaded.found_by, "LD_LIBRARY_PATH");
  EXPECT_THAT(loaded.hides, ElementsAre("/" + site() + "/nvidia/nvjitlink/lib/libnvJitLink.so.12"));
  const auto symbols = loader.problems.undefined_symbols.value_or({});
  ASSERT_EQ(symbols.size(), 1U);
  EXPECT_EQ(symbols[0], (UndefinedSymbol{"__nvJitLinkAddData_12_1", "libnvJitLink.so.12",
                                         "/lib/libcusparse.so.12"}));
}

// NCCL has no symbol versions: an older one lacks what torch asks for, as in pytorch#186591.
TEST_F(LoaderFactsTest, SeeASymbolWithoutAVersion) {
  const auto torch_cpu = [&](const char* needs) {
    tree_.file(site() + "/torch/lib/libtorch_cpu.so", ElfBuilder()
                                                          .soname("libtorch_cpu.so")
                                                          .needs(needs)
                                                          .rpath(image_.rpath())
                                                          .wants("ncclCommInitRank")
                                                          .wants("ncclCommResume")
                                                          .wants("cuFileWrite")
                                                          .wants("_ZN2at4goneEv")
                                                          .wants("PyGone")
                                                          .build());
  };
  torch_cpu("libnccl.so.2");
  ElfBuilder nccl;
  nccl.soname("libnccl.so.2").defines("ncclCommInitRank");
  tree_.file("lib/libnccl.so.2", nccl.build());
  const auto fact = read().problems.undefined_symbols;
  ASSERT_TRUE(fact.known()) << fact.reason();
  const auto symbols = *fact;
  const std::string by = "/" + site() + "/torch/lib/libtorch_cpu.so";
  EXPECT_THAT(symbols, ElementsAre(UndefinedSymbol{"cuFileWrite", "", by},
                                   UndefinedSymbol{"ncclCommResume", "", by}));
  tree_.file("lib/libnccl.so.2", nccl.defines("ncclCommResume").defines("cuFileWrite").build());
  EXPECT_THAT(read().problems.undefined_symbols.value_or({{"unknown", "", ""}}), IsEmpty());
  // Beside no library of CUDA without versions nothing of it is read.
  torch_cpu("libother.so");
  tree_.file("lib/libother.so", ElfBuilder().soname("libother.so").build());
  EXPECT_THAT(read().problems.undefined_symbols.value_or({{"unknown", "", ""}}), IsEmpty());
}

// As a process has shown: /proc/self/maps after cudnnGraphVersionCheck() and the like.
TEST_F(LoaderFactsTest, NameThePartsOfCudnnThatAreOpenedElsewhere) {
  torch_cpu_needs("libcudnn.so.9");
  const auto library = [&](const std::string& path) {
    tree_.file(path, ElfBuilder().soname("x").runpath("$ORIGIN").build());
  };
  for (const char* name : {".so.9", "_graph.so.9", "_ops.so.9", "_cnn.so.9", "_adv.so.9"})
    library(std::string("lib/libcudnn") + name);
  LoaderFacts loader = read();
  EXPECT_THAT(loader.missing_later, IsEmpty());
  for (const LoadedLibrary& one : loader.libraries) EXPECT_THAT(one.name, Not(HasSubstr("cudnn_")));

  library("other/libcudnn_ops.so.9");
  std::filesystem::remove(tree_.root() + "/lib/libcudnn_cnn.so.9");
  loader = read({{"LD_LIBRARY_PATH", "/other"}});
  const LoadedLibrary& ops = this->library(loader, "libcudnn_ops.so.9");
  EXPECT_EQ(ops.path, "/other/libcudnn_ops.so.9");
  EXPECT_EQ(ops.found_by, "LD_LIBRARY_PATH");
  EXPECT_THAT(ops.hides, ElementsAre("/lib/libcudnn_ops.so.9"));
  ASSERT_EQ(loader.missing_later.size(), 1U);
  EXPECT_EQ(loader.missing_later[0].name, "libcudnn_cnn.so.9");
  EXPECT_EQ(loader.missing_later[0].needed_by, "/lib/libcudnn.so.9");
}

// As libnvrtc 12.8.93 and 13.2.86 do (nvrtcCompileProgram and /proc/self/maps): by the one name
// among their constants, LD_LIBRARY_PATH before RUNPATH. With builtins of 12.8.61 under that name
// it compiles; beside "libnvrtc-builtins.so" or "….so.12.8.93" alone it does not.
TEST_F(LoaderFactsTest, NameTheBuiltinsThatNvrtcWillNotFind) {
  torch_cpu_needs("libnvrtc.so.12");
  const std::string name = "libnvrtc-builtins.so.12.8";
  const auto builtins = [&](const std::string& path) {
    tree_.file(path, ElfBuilder().soname(name).build());
  };
  const auto nvrtc = [&](const std::string& constants) {
    tree_.file("lib/libnvrtc.so.12", ElfBuilder()
                                         .soname("libnvrtc.so.12")
                                         .runpath("$ORIGIN")
                                         .section(".rodata", std::string(1, '\0') + constants)
                                         .build());
  };
  nvrtc("nvrtc: error: " + name + " is corrupted" + '\0' + name + '\0');
  builtins("lib/" + name);
  EXPECT_THAT(read().missing_later, IsEmpty());
  std::filesystem::remove(tree_.root() + "/lib/" + name);
  builtins("lib/" + name + ".93");
  builtins("lib/libnvrtc-builtins.so");
  const LoaderFacts loader = read();
  ASSERT_EQ(loader.missing_later.size(), 1U);
  EXPECT_EQ(loader.missing_later[0].name, name);
  EXPECT_EQ(loader.missing_later[0].needed_by, "/lib/libnvrtc.so.12");
  builtins("other/" + name);
  const LoaderFacts elsewhere = read({{"LD_LIBRARY_PATH", "/other"}});
  EXPECT_THAT(elsewhere.missing_later, IsEmpty());
  for (const LoadedLibrary& one : elsewhere.libraries) EXPECT_NE(one.name, name);
  nvrtc("of another release");
  EXPECT_THAT(read().missing_later, IsEmpty()) << "it is not known what it opens";
}

TEST_F(LoaderFactsTest, FollowTorchsPreload) {
  torch_cpu_needs("libnvJitLink.so.12");
  tree_.file(site() + "/nvidia/nvjitlink/lib/libnvJitLink.so.12",
             ElfBuilder().soname("libnvJitLink.so.12").build());
  EXPECT_EQ(read().problems.missing.size(), 1U);
  tree_.file(site() + "/torch/__init__.py",
             "if \"nvidia/cuda_runtime/lib/libcudart.so\" not in _maps:\n    return\n"
             "_preload_cuda_deps(\"nvjitlink\", \"libnvJitLink.so.*[0-9]\")\n");
  const LoaderFacts loader = read();
  EXPECT_THAT(loader.problems.missing, IsEmpty());
  EXPECT_THAT(library(loader, "libnvJitLink.so.12").found_by, HasSubstr("torch's preload"));
}

TEST_F(LoaderFactsTest, AreWithoutThePreloadThatTorchGivesUp) {
  std::filesystem::remove_all(tree_.at(site() + "/nvidia"));
  tree_.file(site() + "/torch/__init__.py",
             "cuda_libs = {\n  \"cuda_runtime\": \"libcudart.so.*[0-9]\",\n}\n");
  const LoaderFacts loader = read();
  ASSERT_FALSE(loader.problems.missing.empty());
  EXPECT_EQ(loader.problems.missing[0].name, "libcudart.so.12");
  EXPECT_THAT(loader.notes, ElementsAre(HasSubstr("libcudart.so.*[0-9]")));
}

TEST_F(LoaderFactsTest, SayWhatIsPreloadedInVain) {
  EXPECT_THAT(read({{"LD_PRELOAD", "/nowhere/libjemalloc.so"}}).notes,
              ElementsAre(HasSubstr("/nowhere/libjemalloc.so")));
}

TEST_F(LoaderFactsTest, AreUnknownForMusl) {
  tree_.executable("usr/local/bin/python3.12", ElfBuilder()
                                                   .interpreter("/lib/ld-musl-x86_64.so.1")
                                                   .needs("libpython3.12.so.1.0")
                                                   .runpath("$ORIGIN/../lib")
                                                   .build());
  const auto fs = base::RootFs::open(tree_.root()).value();
  const ImageFacts facts =
      read_image({fs, "/x", {"python3", "a.py"}, {{"PATH", "/usr/local/bin"}}, "/srv", ""});
  EXPECT_TRUE(facts.loader.is_unknown());
  EXPECT_THAT(facts.loader.reason(), HasSubstr("musl"));
  EXPECT_TRUE(facts.torch.known());
}

}  // namespace
}  // namespace gpuinit::image
