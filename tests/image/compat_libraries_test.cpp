#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/frameworks/read_frameworks.h"
#include "support/elf_builder.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

std::string library(bool with_note) {
  test::ElfBuilder elf;
  elf.soname("libcuda.so.1").needs({"libc.so.6"});
  if (with_note)
    elf.note(".note.cuda.fwd_compatibility", "NVIDIA Corporation",
             R"({"Format":1,"CUDA Version":"12.9","Driver":[535,550]})");
  return elf.build();
}

Fact<std::vector<CompatLibrary>> read(const test::Tree& tree) {
  auto fs = base::RootFs::open(tree.root());
  EXPECT_TRUE(fs.ok());
  return read_compat_libraries(*fs);
}

TEST(CompatLibraries, AnImageWithoutCudaHasNone) {
  test::Tree tree;
  ASSERT_TRUE(read(tree).known());
  EXPECT_TRUE(read(tree)->empty());
  tree.directory("/usr/local/cuda/lib64").directory("/usr/local/cuda-12.9/compat");
  EXPECT_TRUE(read(tree)->empty());
}

TEST(CompatLibraries, AreFoundOnceEachAndUnderTheNameThatPeopleUse) {
  test::Tree tree;
  tree.file("/usr/local/cuda-12.9/compat/libcuda.so.575.57.08", library(true));
  tree.link("/usr/local/cuda-12.9/compat/libcuda.so.1", "libcuda.so.575.57.08");
  tree.link("/usr/local/cuda", "cuda-12.9");
  const auto libraries = read(tree);
  ASSERT_TRUE(libraries.known());
  ASSERT_EQ(libraries->size(), 1U);
  const CompatLibrary& found = libraries->front();
  EXPECT_EQ(found.directory, "/usr/local/cuda/compat");
  EXPECT_EQ(found.real_path, "/usr/local/cuda-12.9/compat/libcuda.so.575.57.08");
  EXPECT_EQ(found.version, Fact<std::string>("575.57.08"));
  ASSERT_TRUE(found.note.known());
  EXPECT_EQ(*found.note, (CompatNote{"12.9", {535, 550}}));
}

TEST(CompatLibraries, NgcImagesKeepThemOneDirectoryDeeper) {
  test::Tree tree;
  tree.file("/usr/local/cuda/compat/lib.real/libcuda.so.570.86.10", library(false));
  tree.link("/usr/local/cuda/compat/lib.real/libcuda.so.1", "libcuda.so.570.86.10");
  const auto libraries = read(tree);
  ASSERT_EQ(libraries->size(), 1U);
  EXPECT_EQ(libraries->front().directory, "/usr/local/cuda/compat/lib.real");
  EXPECT_TRUE(libraries->front().note.is_absent());
}

TEST(CompatLibraries, WhatIsNoElfFileIsListedWithAnUnknownNote) {
  test::Tree tree;
  tree.file("/usr/local/cuda/compat/libcuda.so.1", "text");
  const auto libraries = read(tree);
  ASSERT_EQ(libraries->size(), 1U);
  EXPECT_TRUE(libraries->front().note.is_unknown());
  EXPECT_TRUE(libraries->front().version.is_unknown());
}

}  // namespace
}  // namespace gpuinit::image
