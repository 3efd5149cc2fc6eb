#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/libcuda_file.h"
#include "node/read_node.h"
#include "support/elf_builder.h"
#include "support/tree.h"

namespace gpuinit::node {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

#if defined(__aarch64__)
constexpr std::uint16_t kOurs = EM_AARCH64, kForeign = EM_X86_64;
#else
constexpr std::uint16_t kOurs = EM_X86_64, kForeign = EM_AARCH64;
#endif

constexpr const char* kNote =
    R"({"Format":1,"CUDA Version":"12.9","Driver":[535,550,575],"Device":[1,2,7]})";

const Fact<std::string> kNoKernel = Fact<std::string>::unknown("not asked");
const Fact<std::string> kKernel535 = std::string("535.104.05");

test::ElfBuilder driver() {
  return test::ElfBuilder()
      .machine(kOurs)
      .soname("libcuda.so.1")
      .needs({"libc.so.6", "libdl.so.2"});
}

test::ElfBuilder with_note() {
  return driver().note(".note.cuda.fwd_compatibility", "NVIDIA Corporation", kNote);
}

class Libcuda : public testing::Test {
 protected:
  // `directory`/libcuda.so.1 → libcuda.so.`release`, as installations have it.
  void install(const std::string& directory, const std::string& release,
               const test::ElfBuilder& elf = driver()) {
    tree_.file(directory + "/libcuda.so." + release, elf.build());
    tree_.link(directory + "/libcuda.so.1", "libcuda.so." + release);
  }

  Fact<LibCuda> found(const std::map<std::string, std::string>& environment = {},
                      const Fact<std::string>& kernel = kNoKernel) const {
    auto fs = base::RootFs::open(tree_.root());
    EXPECT_TRUE(fs.ok());
    return read_libcuda(*fs, environment, kernel);
  }

  test::Tree tree_;
};

TEST(ReleaseInName, IsTheSuffixOfTheRealFile) {
  EXPECT_EQ(elf::release_in_name("/usr/lib/libcuda.so.535.104.05"), "535.104.05");
  EXPECT_EQ(elf::release_in_name("/a/libcuda.so.570.26"), "570.26");
}

TEST(ReleaseInName, HasNoneWhereTheSuffixIsNoRelease) {
  for (const char* path : {"/a/libcuda.so", "/a/libcuda.so.1", "/a/libcuda.so.1.1", "libcuda.so.",
                           "/a/libcuda.so.535", "/a/libcuda.so.535.104.05.bak", "/535.104.05",
                           "/a/libcuda.so.535..05", "/a/libcudart.so.535.104.05"})
    EXPECT_EQ(elf::release_in_name(path), std::nullopt) << path;
}

TEST(CompatNoteJson, TellsVersionAndBranches) {
  auto note = elf::parse_compat_note(kNote);
  ASSERT_TRUE(note.ok()) << note.error().message;
  EXPECT_EQ(note->cuda_version, "12.9");
  EXPECT_THAT(note->driver_branches, testing::ElementsAre(535, 550, 575));
}

TEST(CompatNoteJson, MayTellTheVersionAlone) {
  auto note = elf::parse_compat_note(std::string_view("{\"CUDA Version\":\"13.2\"}\0\0", 25));
  ASSERT_TRUE(note.ok()) << note.error().message;
  EXPECT_EQ(note->cuda_version, "13.2");
  EXPECT_THAT(note->driver_branches, IsEmpty());
}

TEST(CompatNoteJson, AnythingElseIsAnError) {
  for (const char* text :
       {"", "{}", "[]", "{", R"({"CUDA Version":13.2})", R"({"CUDA Version":"new"})",
        R"({"CUDA Version":"13.2","Driver":535})", R"({"CUDA Version":"13.2","Driver":["535"]})",
        R"({"CUDA Version":"13.2","Driver":[-1]})", R"({"CUDA Version":"13.2","Driver":[9e99]})",
        R"({"CUDA Version":"13.2","Driver":[99999999999]})"})
    EXPECT_FALSE(elf::parse_compat_note(text).ok()) << text;
  EXPECT_FALSE(elf::parse_compat_note(std::string(1 << 20, '[')).ok());
}

TEST_F(Libcuda, IsTheOneInADefaultDirectory) {
  install("/usr/lib", "535.104.05");
  const auto library = found();
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(library->path, "/usr/lib/libcuda.so.1");
  EXPECT_EQ(library->real_path, "/usr/lib/libcuda.so.535.104.05");
  EXPECT_EQ(library->found_by, "default directory");
  EXPECT_EQ(library->kind, "driver");
  EXPECT_EQ(library->version, Fact<std::string>("535.104.05"));
  EXPECT_TRUE(library->compat_note.is_absent());
}

TEST_F(Libcuda, LdLibraryPathComesFirst) {
  install("/usr/lib", "535.104.05");
  install("/opt/nvidia", "470.82.01");
  const auto library = found({{"LD_LIBRARY_PATH", "/opt/nvidia"}});
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(*library->version, "470.82.01");
  EXPECT_EQ(library->found_by, "LD_LIBRARY_PATH");
}

TEST_F(Libcuda, APreloadedOneComesBeforeAll) {
  install("/usr/lib", "535.104.05");
  tree_.file("/opt/libcuda.so.550.90.07", driver().build());
  const auto library = found({{"LD_PRELOAD", "/lib/other.so:/opt/libcuda.so.550.90.07"}});
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(library->path, "/opt/libcuda.so.550.90.07");
  EXPECT_EQ(library->found_by, "LD_PRELOAD");
}

TEST_F(Libcuda, APreloadedLibraryOfAnotherNameChangesNothing) {
  install("/usr/lib", "535.104.05");
  tree_.file("/opt/libcuda.so.shim", driver().soname("libshim.so").build());
  tree_.file("/opt/shim.so", test::ElfBuilder().machine(kOurs).soname("libvgpu.so").build());
  const auto library = found({{"LD_PRELOAD", "/opt/shim.so /opt/none.so libcuda.so.1"}});
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(library->path, "/usr/lib/libcuda.so.1");
}

TEST_F(Libcuda, NamesTheLibrariesThatItStandsInFrontOf) {
  install("/usr/lib", "535.104.05");
  EXPECT_TRUE(found()->hides.empty());
  install("/opt/nvidia", "470.82.01");
  EXPECT_THAT(found({{"LD_LIBRARY_PATH", "/opt/nvidia"}})->hides,
              testing::ElementsAre("/usr/lib/libcuda.so.535.104.05"));
  tree_.file("/opt/libcuda.so.550.90.07", driver().build());
  EXPECT_THAT(found({{"LD_PRELOAD", "/opt/libcuda.so.550.90.07"}})->hides,
              testing::ElementsAre("/usr/lib/libcuda.so.535.104.05"));
}

TEST_F(Libcuda, TheManagementLibraryIsLookedForInTheSameWay) {
  tree_.directory("/usr/lib");
  auto fs = base::RootFs::open(tree_.root());
  ASSERT_TRUE(fs.ok());
  EXPECT_TRUE(find_libnvidia_ml(*fs, {}).is_absent());
  tree_.file("/usr/lib/libnvidia-ml.so.1",
             test::ElfBuilder().machine(kOurs).soname("libnvidia-ml.so.1").build());
  EXPECT_EQ(find_libnvidia_ml(*fs, {}), Fact<std::string>("/usr/lib/libnvidia-ml.so.1"));
  tree_.file("/etc/ld.so.cache", "rubbish");
  std::filesystem::remove(tree_.at("/usr/lib/libnvidia-ml.so.1"));
  EXPECT_TRUE(find_libnvidia_ml(*fs, {}).is_unknown());
}

TEST_F(Libcuda, IsAbsentWhereTheLoaderFindsNone) {
  tree_.directory("/usr/lib");
  const auto library = found();
  EXPECT_TRUE(library.is_absent()) << library.reason();
}

TEST_F(Libcuda, MayLieWhereTheLoaderDoesNotLook) {
  tree_.directory("/usr/lib");
  auto fs = base::RootFs::open(tree_.root());
  ASSERT_TRUE(fs.ok());
  EXPECT_TRUE(find_libcuda_elsewhere(*fs).is_absent());
  install("/usr/lib/wsl/lib", "535.104.05");
  EXPECT_TRUE(found().is_absent());
  EXPECT_EQ(find_libcuda_elsewhere(*fs), Fact<std::string>("/usr/lib/wsl/lib/libcuda.so.1"));
}

TEST_F(Libcuda, OfJetsonMayLieWhereTheLoaderDoesNotLook) {
  auto fs = base::RootFs::open(tree_.root());
  ASSERT_TRUE(fs.ok());
  for (const std::string directory :
       {"/usr/lib/aarch64-linux-gnu/tegra", "/usr/lib/aarch64-linux-gnu/nvidia"}) {
    tree_.file(directory + "/libcuda.so.1");
    EXPECT_EQ(find_libcuda_elsewhere(*fs), Fact<std::string>(directory + "/libcuda.so.1"));
  }
}

TEST_F(Libcuda, OfAnotherProcessorIsNotTheOne) {
  install("/usr/lib", "535.104.05", driver().machine(kForeign));
  EXPECT_TRUE(found().is_absent());
}

TEST_F(Libcuda, IsUnknownWhereTheSearchMeetsRubbish) {
  tree_.file("/usr/lib/libcuda.so.1",
             "not an ELF file at all, but long enough to be one, see here");
  EXPECT_TRUE(found().is_unknown());
}

TEST_F(Libcuda, IsUnknownWhereTheCacheCannotBeRead) {
  tree_.file("/etc/ld.so.cache", "rubbish");
  const auto library = found();
  EXPECT_TRUE(library.is_unknown());
  EXPECT_THAT(library.reason(), HasSubstr("ld.so.cache"));
}

TEST_F(Libcuda, InAStubsDirectoryIsAStub) {
  tree_.file("/usr/local/cuda/lib64/stubs/libcuda.so", driver().build());
  tree_.link("/usr/local/cuda/lib64/stubs/libcuda.so.1", "libcuda.so");
  const auto library = found({{"LD_LIBRARY_PATH", "/usr/local/cuda/lib64/stubs"}});
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(library->kind, "stub");
  EXPECT_TRUE(library->version.is_unknown());
}

TEST_F(Libcuda, ThatNeedsNothingIsAStubWhereverItWasCopied) {
  install("/usr/lib", "1.1", test::ElfBuilder().machine(kOurs).soname("libcuda.so.1"));
  const auto library = found();
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(library->kind, "stub");
}

TEST_F(Libcuda, ADirectoryThatOnlyContainsTheWordIsNoStub) {
  install("/opt/nostubs", "535.104.05");
  EXPECT_EQ(found({{"LD_LIBRARY_PATH", "/opt/nostubs"}})->kind, "driver");
}

TEST_F(Libcuda, InACompatDirectoryIsForwardCompat) {
  for (const char* directory :
       {"/usr/local/cuda/compat", "/usr/local/cuda-12.8/compat", "/usr/local/cuda/compat/lib.real",
        "/usr/local/cuda/compat_orin", "/opt/conda/cuda-compat"}) {
    install(directory, "570.124.06");
    const auto library = found({{"LD_LIBRARY_PATH", directory}}, kKernel535);
    ASSERT_TRUE(library.known()) << library.reason();
    EXPECT_EQ(library->kind, "forward-compat") << directory;
    EXPECT_EQ(*library->version, "570.124.06");
  }
}

TEST_F(Libcuda, BehindALinkIntoACompatDirectoryIsForwardCompat) {
  tree_.file("/usr/local/cuda-12.8/compat/libcuda.so.570.124.06", driver().build());
  tree_.link("/usr/lib/libcuda.so.1", "/usr/local/cuda-12.8/compat/libcuda.so.570.124.06");
  EXPECT_EQ(found()->kind, "forward-compat");
}

TEST_F(Libcuda, AnyOtherDirectoryCalledCompatIsNot) {
  install("/usr/lib/compat", "535.104.05");
  EXPECT_EQ(found({{"LD_LIBRARY_PATH", "/usr/lib/compat"}})->kind, "driver");
}

TEST_F(Libcuda, WithNvidiasNoteOfAnotherReleaseIsForwardCompat) {
  install("/usr/lib", "575.57.08", with_note());
  const auto library = found({}, kKernel535);
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_EQ(library->kind, "forward-compat");
  ASSERT_TRUE(library->compat_note.known()) << library->compat_note.reason();
  EXPECT_EQ(library->compat_note->cuda_version, "12.9");
  EXPECT_THAT(library->compat_note->driver_branches, testing::ElementsAre(535, 550, 575));
}

TEST_F(Libcuda, OfTheKernelModulesOwnReleaseIsTheDriverWhateverItsNoteSays) {
  install("/usr/lib", "535.104.05", with_note());
  const auto library = found({}, kKernel535);
  EXPECT_EQ(library->kind, "driver");
  EXPECT_TRUE(library->compat_note.known());
}

TEST_F(Libcuda, WithANoteBesideAnUnknownKernelIsCalledTheDriver) {
  install("/usr/lib", "575.57.08", with_note());
  EXPECT_EQ(found()->kind, "driver");
}

TEST_F(Libcuda, OfAnotherReleaseWithoutANoteIsADriverAllTheSame) {
  install("/usr/lib", "550.90.07");
  EXPECT_EQ(found({}, kKernel535)->kind, "driver");
}

TEST_F(Libcuda, ABrokenNoteIsUnknownNotAbsent) {
  install("/usr/lib", "575.57.08",
          driver().note(".note.cuda.fwd_compatibility", "NVIDIA Corporation", "{\"Format\":"));
  const auto library = found({}, kKernel535);
  ASSERT_TRUE(library.known()) << library.reason();
  EXPECT_TRUE(library->compat_note.is_unknown());
  EXPECT_THAT(library->compat_note.reason(), HasSubstr(".note.cuda.fwd_compatibility"));
}

}  // namespace
}  // namespace gpuinit::node
