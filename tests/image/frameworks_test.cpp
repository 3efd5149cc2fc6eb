#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/python_image.h"
#include "image/read_image.h"
#include "support/fatbin_builder.h"

namespace gpuinit::image {
namespace {

using test::ElfBuilder;
using test::fatbin_container;
using test::sm;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using Words = std::vector<std::string>;

const std::string kSite = "/usr/lib/python3.10/site-packages";

ElfBuilder with_code(std::initializer_list<test::FatbinEntryBytes> entries) {
  return ElfBuilder().needs("libc.so.6").section(".nv_fatbin", fatbin_container(entries));
}

class FrameworksTest : public testing::Test {
 protected:
  FrameworksTest() {
    tree_.executable("usr/bin/python3.10", test::python_program())
        .link("usr/bin/python3", "python3.10")
        .file("lib64/ld-linux-x86-64.so.2", test::library("ld-linux-x86-64.so.2"))
        .file("lib64/libc.so.6", test::library("libc.so.6"));
    test::add_stdlib(tree_, "usr");
  }

  void distribution(const std::string& name, const std::string& version,
                    const std::string& requirement = "") {
    std::string text = "Name: " + name + "\nVersion: " + version + "\n";
    if (!requirement.empty()) text += "Requires-Dist: " + requirement + "\n";
    tree_.file(kSite + "/" + name + "-" + version + ".dist-info/METADATA", text + "\n");
  }
  void library(const std::string& path, const ElfBuilder& elf) { tree_.file(path, elf.build()); }
  void program(const std::string& path, ElfBuilder elf) {
    tree_.executable(path, elf.interpreter(test::kGlibcLoader).needs("libc.so.6").build());
  }
  // What NVIDIA's wheels have of CUDA 12, without cuDNN.
  void wheels() {
    for (const char* name : {"libcudart.so.12", "libcublas.so.12", "libcupti.so.12",
                             "libcusparse.so.12", "libcusolver.so.11", "libcufft.so.11"})
      tree_.file(kSite + "/nvidia/all/lib/" + name, test::library(name));
  }

  ImageFacts read(Words command = {"python3", "x.py"}, ExtensionScope scope = {}) {
    auto fs = base::RootFs::open(tree_.root());
    return read_image({*fs, "/", std::move(command), {{"PATH", "/usr/bin"}}, "/", "", scope});
  }
  std::vector<Framework> frameworks(Words command = {"python3", "x.py"}) {
    return *read(std::move(command)).frameworks;
  }
  static Words missing(const Framework& framework) {
    Words names;
    for (const MissingLibrary& one : framework.problems.missing) names.push_back(one.name);
    return names;
  }

  test::Tree tree_;
};

TEST_F(FrameworksTest, JaxOpensWhatTheWheelsHave) {
  distribution("jax-cuda12-pjrt", "0.8.0");
  library(kSite + "/jax_plugins/xla_cuda12/xla_cuda_plugin.so", with_code({sm("80"), sm("90")}));
  wheels();
  const auto found = frameworks();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "jax");
  EXPECT_EQ(found[0].version.value_or(""), "0.8.0");
  EXPECT_EQ(found[0].cuda.value_or(""), "12");
  EXPECT_THAT(found[0].device_code->entries,
              UnorderedElementsAre(Pair("sm_80", 1), Pair("sm_90", 1)));
  EXPECT_THAT(missing(found[0]), ElementsAre("libcudnn.so.9"));
  EXPECT_EQ(found[0].libraries.size(), 6U);
  EXPECT_TRUE(found[0].for_gpu && found[0].falls_back && !found[0].runs);
  tree_.file("/lib64/libcudnn.so.9", test::library("libcudnn.so.9"));
  EXPECT_THAT(missing(frameworks()[0]), IsEmpty()) << "dlopen finds the system's";
}

TEST_F(FrameworksTest, OfAnOldJaxItIsNotKnownWhatItOpens) {
  distribution("jax-cuda12-pjrt", "0.4.26");
  library(kSite + "/jax_plugins/xla_cuda12/xla_cuda_plugin.so", with_code({sm("80")}));
  EXPECT_THAT(missing(frameworks()[0]), IsEmpty());
}

TEST_F(FrameworksTest, ALibraryIsAFrameworksOrAnExtension) {
  const std::string relative = "onnxruntime/capi/libonnxruntime_providers_cuda.so";
  distribution("onnxruntime-gpu", "1.20.1");
  tree_.file(kSite + "/onnxruntime_gpu-1.20.1.dist-info/RECORD", relative + ",,\n");
  library(kSite + "/" + relative,
          with_code({sm("90a")}).needs({"libcudart.so.12", "libown.so.1", "libcuda.so.1"}));
  ImageFacts facts = read();
  EXPECT_THAT(*facts.extensions, IsEmpty());
  ASSERT_EQ(facts.frameworks->size(), 1U);
  EXPECT_THAT(missing(facts.frameworks->front()), ElementsAre("libcudart.so.12"))
      << "not the driver's, and not one of its own, which its package opens before";
  EXPECT_EQ(facts.frameworks->front().cuda.value_or(""), "12");
  EXPECT_TRUE(facts.frameworks->front().device_code.known());
  facts = read({"python3", "x.py"}, {{"onnxruntime/*"}, {}});
  EXPECT_EQ(facts.extensions->size(), 1U) << "the policy names it as an extension";
  EXPECT_THAT(*facts.frameworks, IsEmpty());
}

TEST_F(FrameworksTest, OneForTheCpuTooIsForGpusIfItsLibrariesAreThere) {
  distribution("ctranslate2", "4.6.0");
  library(kSite + "/ctranslate2.libs/libctranslate2-12ab.so.4.6.0", with_code({sm("80")}));
  EXPECT_FALSE(frameworks()[0].for_gpu);
  EXPECT_THAT(missing(frameworks()[0]), ElementsAre("libcublas.so.12"));
  wheels();
  EXPECT_TRUE(frameworks()[0].for_gpu);
  EXPECT_THAT(missing(frameworks()[0]), ElementsAre("libcublas.so.12"))
      << "nothing of ctranslate2 looks into the wheels";
  distribution("xgboost", "3.0.0", "nvidia-nccl-cu12; platform_system == \"Linux\"");
  library(kSite + "/xgboost/lib/libxgboost.so", with_code({sm("80")}));
  EXPECT_EQ(frameworks()[1].cuda.value_or(""), "12");
  EXPECT_FALSE(frameworks()[1].for_gpu);
}

// ctranslate2 4.5.0, which glibc 2.41 does not load.
TEST_F(FrameworksTest, OneThatAsksForAnExecutableStack) {
  distribution("ctranslate2", "4.5.0");
  const std::string name = "libctranslate2-12ab.so.4.5.0";
  library(kSite + "/ctranslate2.libs/" + name, with_code({sm("80")}).executable_stack());
  EXPECT_THAT(missing(frameworks()[0]), ElementsAre("libcublas.so.12"));
  library("/lib64/libc.so.6", ElfBuilder().soname("libc.so.6").defines_version("GLIBC_2.41"));
  EXPECT_THAT(missing(frameworks()[0]), ElementsAre(name));
}

TEST_F(FrameworksTest, AProgramWithItsOwnCode) {
  program("/app/embedder", with_code({sm("80")}).needs("libcublas.so.12").needs("libcuda.so.1"));
  const auto found = frameworks({"/app/embedder"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "embedder");
  EXPECT_EQ(found[0].path, "/app/embedder");
  EXPECT_EQ(found[0].cuda.value_or(""), "12");
  EXPECT_TRUE(found[0].runs && found[0].for_gpu && !found[0].falls_back);
  EXPECT_THAT(missing(found[0]), ElementsAre("libcublas.so.12"));
}

TEST_F(FrameworksTest, WhatAProgramOpensBesideIt) {
  program("/app/llama-server", ElfBuilder());
  EXPECT_THAT(frameworks({"/app/llama-server"}), IsEmpty());
  library("/app/libggml-cuda.so", with_code({sm("80")}).needs("libcudart.so.13"));
  auto found = frameworks({"/app/llama-server"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "llama.cpp");
  EXPECT_EQ(found[0].cuda.value_or(""), "13");
  EXPECT_TRUE(found[0].runs && found[0].falls_back);
  EXPECT_THAT(missing(found[0]), ElementsAre("libcudart.so.13"));
  program("/usr/bin/ollama", ElfBuilder());
  for (const char* directory : {"cuda_v12", "cuda_v13"})
    library("/usr/lib/ollama/" + std::string(directory) + "/libggml-cuda.so",
            with_code({sm("80")}));
  found = frameworks({"ollama", "serve"});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "ollama");
  EXPECT_EQ(found[1].path, "/usr/lib/ollama/cuda_v13/libggml-cuda.so");
}

TEST_F(FrameworksTest, ALibraryOfAProgramMayServeAPartOfIt) {
  program("/app/viewer", ElfBuilder().needs("libopencv.so.4"));
  library("/lib64/libopencv.so.4", with_code({sm("80")}).needs("libcudart.so.12"));
  library("/lib64/libcudart.so.12", ElfBuilder().soname("libcudart.so.12"));
  const auto found = frameworks({"/app/viewer"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].runs || found[0].for_gpu);
  EXPECT_THAT(found[0].device_code->files, ElementsAre("/lib64/libopencv.so.4"));
}

TEST_F(FrameworksTest, ProgramsWithoutCudaAreSilentUnlessTheyCannotStart) {
  program("/usr/bin/nginx", ElfBuilder().needs("libpcre.so.3"));
  EXPECT_THAT(missing(frameworks({"nginx"})[0]), ElementsAre("libpcre.so.3"));
  EXPECT_TRUE(frameworks({"nginx"})[0].cuda.is_absent());
  tree_.file("/lib64/libpcre.so.3", test::library("libpcre.so.3"));
  EXPECT_THAT(frameworks({"nginx"}), IsEmpty());
  program("/usr/bin/ls", ElfBuilder().needs("libgone.so"));
  EXPECT_THAT(frameworks({"ls"}), IsEmpty()) << "it needs no GPU, and is never stopped";
  tree_.executable("/usr/bin/musl",
                   ElfBuilder().interpreter(test::kMuslLoader).needs("libgone.so").build());
  EXPECT_THAT(frameworks({"musl"}), IsEmpty()) << "another loader";
}

}  // namespace
}  // namespace gpuinit::image
