#include "image/packages/distributions.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "base/python_name.h"
#include "image/packages/core_metadata.h"
#include "image/python/python_home.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kSite = "/venv/lib/python3.12/site-packages";

std::string metadata(const std::string& name, const std::string& version,
                     const std::string& more = "") {
  return "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n" + more +
         "\nVersion: 0 (in the description)\nRequires-Dist: torch==0\n";
}

std::vector<Package> packages(const test::Tree& tree,
                              const std::vector<std::string>& sys_path = {kSite}) {
  auto fs = base::RootFs::open(tree.root());
  auto read = read_distributions(*fs, sys_path);
  EXPECT_TRUE(read.known());
  return read.value_or({});
}

TEST(PythonName, IsNormalisedAsIndexesDo) {
  EXPECT_EQ(base::normalized_name("NVIDIA_cublas.cu12"), "nvidia-cublas-cu12");
  EXPECT_EQ(base::normalized_name("zope.-_interface"), "zope-interface");
  EXPECT_EQ(base::normalized_name("torch"), "torch");
}

TEST(Distributions, KeepTheRequirementsThatMatter) {
  test::Tree tree;
  tree.file(kSite + "/torchvision-0.23.0.dist-info/METADATA",
            metadata("torchvision", "0.23.0+cu128",
                     "Summary: images: a library\n"
                     "Requires-Dist: numpy\n"
                     "Requires-Dist: torch==2.8.0\n"
                     "Requires-Dist: pillow!=8.3.*,>=5.3.0\n"
                     "Requires-Dist: torchaudio\n"
                     "requires-dist: NVIDIA_cublas.cu12 (==12.4.5.8) ; platform_system == 'Linux'\n"
                     "Requires-Dist: gdown>=4.7.3; extra == \"gdown\"\n"));
  EXPECT_THAT(
      packages(tree),
      ElementsAre(Package{"torchvision",
                          "0.23.0+cu128",
                          kSite + "/torchvision-0.23.0.dist-info",
                          {"numpy", "torch==2.8.0",
                           "NVIDIA_cublas.cu12 (==12.4.5.8) ; platform_system == 'Linux'"}}));
}

TEST(Distributions, InTheOrderOfSysPathWithEveryDuplicate) {
  test::Tree tree;
  tree.file("/a/torch-2.8.0.dist-info/METADATA", metadata("torch", "2.8.0"))
      .file("/a/torch-2.7.1.dist-info/METADATA", metadata("torch", "2.7.1"))
      .file("/b/Torch-2.5.1.dist-info/METADATA", metadata("Torch", "2.5.1"));
  std::vector<std::string> versions;
  for (const auto& package : packages(tree, {"/b", "/missing", "/a"})) {
    EXPECT_EQ(package.name, "torch");
    versions.push_back(package.version);
  }
  EXPECT_THAT(versions, ElementsAre("2.5.1", "2.7.1", "2.8.0"));
}

TEST(Distributions, EggsAsDebianAndSetuptoolsLeaveThem) {
  test::Tree tree;
  tree.file(kSite + "/crcmod-1.7.egg-info", metadata("crcmod", "1.7"))
      .file(kSite + "/numpy-1.24.2.egg-info/PKG-INFO", metadata("numpy", "1.24.2"))
      .file(kSite + "/apex-0.1-py3.12.egg/EGG-INFO/PKG-INFO", metadata("apex", "0.1"))
      .file(kSite + "/other.egg", "a zip file");
  std::vector<std::string> names;
  for (const auto& package : packages(tree)) names.push_back(package.name + " " + package.version);
  EXPECT_THAT(names, ElementsAre("apex 0.1", "crcmod 1.7", "numpy 1.24.2"));
}

TEST(Distributions, PassOverWhatPipPassesOver) {
  test::Tree tree;
  tree.file(kSite + "/~orch-2.5.1.dist-info/METADATA", metadata("torch", "2.5.1"))
      .directory(kSite + "/empty-1.0.dist-info")
      .file(kSite + "/nameless-1.0.dist-info/METADATA", "Version: 1.0\n\n")
      .file(kSite + "/torch/METADATA", metadata("torch", "1"))
      .file(kSite + "/module.py");
  EXPECT_THAT(packages(tree), IsEmpty());
  EXPECT_TRUE(read_distributions(*base::RootFs::open(tree.root()),
                                 Fact<std::vector<std::string>>::unknown("no Python"))
                  .is_unknown());
}

TEST(Distributions, OfTorchKeepAllThatItRequires) {
  test::Tree tree;
  tree.file(kSite + "/a-1.dist-info/METADATA", metadata("a", "1", "Requires-Dist: sympy\n"));
  tree.file(kSite + "/torch-2.dist-info/METADATA",
            metadata("torch", "2", "Requires-Dist: sympy\n"));
  EXPECT_THAT(packages(tree)[0].requires_dist, IsEmpty());
  EXPECT_THAT(packages(tree)[1].requires_dist, ElementsAre("sympy"));
}

TEST(Distributions, TorchaudioHasTheBuildOfItsOwnFiles) {
  test::Tree tree;
  tree.file(kSite + "/torchaudio-2.11.0.dist-info/METADATA", metadata("torchaudio", "2.11.0"));
  EXPECT_EQ(packages(tree)[0].version, "2.11.0");
  tree.file(kSite + "/torchaudio/version.py", "__version__ = '2.11.0+cu130'\ngit_version = ''\n");
  EXPECT_EQ(packages(tree)[0].version, "2.11.0+cu130");
  tree.file(kSite + "/torchaudio/version.py", "__version__ = '2.9.0+cu130'\n");
  EXPECT_EQ(packages(tree)[0].version, "2.11.0");
}

TEST(Distributions, AHeadOfAHundredKilobytesIsReadToItsEnd) {
  test::Tree tree;
  std::string extras;
  for (int i = 0; i < 3000; ++i) extras += "Requires-Dist: package" + std::to_string(i) + "\n";
  tree.file(kSite + "/airflow-3.0.dist-info/METADATA",
            metadata("airflow", "3.0", extras + "Requires-Dist: torch>=2\n"));
  ASSERT_EQ(packages(tree).size(), 1U);
  EXPECT_THAT(packages(tree)[0].requires_dist, ElementsAre("torch>=2"));
}

TEST(CoreMetadata, HeadersEndAtTheEmptyLine) {
  EXPECT_THAT(header_values("A: 1\r\nb:2\r\n\r\nA: 3\r\n", "a"), ElementsAre("1"));
  EXPECT_THAT(header_values("A: 1\n folded: 2\nnone\nA:\n", "A"), ElementsAre("1", ""));
  EXPECT_TRUE(has_whole_head("A: 1\n\nbody"));
  EXPECT_TRUE(has_whole_head("A: 1\r\n\r\n"));
  EXPECT_FALSE(has_whole_head("A: 1\n"));
}

TEST(CoreMetadata, WheelsThatRunEverywhere) {
  EXPECT_TRUE(is_pure_wheel("Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n"));
  // nvidia's own: purelib, and made for one platform.
  EXPECT_FALSE(is_pure_wheel("Root-Is-Purelib: true\nTag: py3-none-manylinux_2_27_x86_64\n"));
  EXPECT_FALSE(is_pure_wheel("Wheel-Version: 1.0\n"));
}

TEST(CoreMetadata, PathsOfARecord) {
  std::vector<std::string> paths;
  std::string_view rest =
      "torch/_C.so,sha256=x,17\r\n\"a,b.py\",,\n\n../../../bin/torchrun,,\nlast";
  while (!rest.empty()) paths.emplace_back(take_recorded_path(rest));
  EXPECT_THAT(paths, ElementsAre("torch/_C.so", "a,b.py", "", "../../../bin/torchrun", "last"));
}

TEST(VenvConfig, KeysWithoutCaseValuesAsWritten) {
  const auto config = parse_venv_config(
      "HOME = /usr/Local/bin\ninclude-system-site-packages = "
      "False\nprompt\nversion=3.12.4\n");
  EXPECT_EQ(config.home, "/usr/Local/bin");
  EXPECT_FALSE(config.system_site);
  EXPECT_TRUE(parse_venv_config("").system_site);
  EXPECT_FALSE(parse_venv_config("").home.has_value());
}

// A dist-info directory that becomes a symlink out of the root between two looks at it.
TEST(Distributions, OutsideOfTheRootAreNeverRead) {
  test::Tree tree;
  tree.file("host/METADATA", metadata("stranger", "1")).link("swapped", tree.at("host").native());
  tree.file("root" + kSite + "/own-1.dist-info/METADATA", metadata("own", "1"));
  std::atomic<bool> done{false};
  std::thread swaps([&] {
    const std::string one = tree.at("root" + kSite + "/own-1.dist-info");
    const std::string other = tree.at("swapped");
    while (!done) ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
  });
  auto fs = base::RootFs::open(tree.at("root"));
  int own = 0;
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) {
    const auto read = read_distributions(*fs, std::vector<std::string>{kSite});
    for (const Package& package : read.value_or({})) {
      EXPECT_EQ(package.name, "own");
      ++own;
    }
  }
  done = true;
  swaps.join();
  EXPECT_GT(own, 0);
}

}  // namespace
}  // namespace gpuinit::image
