#include "ldso/library_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ldso/loader_rules.h"
#include "support/elf_builder.h"
#include "support/ld_so_cache_builder.h"
#include "support/tree.h"

namespace gpuinit::ldso {
namespace {

using test::ElfBuilder;
using test::ld_so_cache;
using test::Tree;
using ::testing::HasSubstr;

const std::string kX86 = ElfBuilder().build();
const std::string kArm = ElfBuilder().machine(EM_AARCH64).build();
const std::string k32Bit = ElfBuilder().elf32().build();

// One search in a tree; the requester is /app/lib/caller.so.
struct Search {
  Tree& tree;
  std::string library_path;
  std::string rpath;
  std::string runpath;
  std::string machine = "x86_64";
  std::string requester = "/app/lib/caller.so";

  Result<FoundLibrary> find(const std::string& soname) const {
    auto fs = base::RootFs::open(tree.root());
    std::map<std::string, std::string> environment;
    if (!library_path.empty()) environment["LD_LIBRARY_PATH"] = library_path;
    return LibrarySearch(*fs, environment).find(soname, {requester, rpath, runpath}, machine);
  }
  std::string path(const std::string& soname) const {
    auto found = find(soname);
    return found ? found->path : "error: " + found.error().message;
  }
};

TEST(LibrarySearch, GoesThroughThePlacesInOrder) {
  Tree tree;
  for (const char* place : {"r", "env", "run", "cached", "usr/lib64"})
    tree.file(std::string(place) + "/libx.so", kX86);
  tree.file("etc/ld.so.cache", ld_so_cache({{"libx.so", "/cached/libx.so"}}));

  Search all{tree, "/env", "/r", ""};
  EXPECT_EQ(all.find("libx.so")->path, "/r/libx.so");
  EXPECT_EQ(all.find("libx.so")->found_by, "RPATH of /app/lib/caller.so");

  all.runpath = "/run";  // an object with RUNPATH has its RPATH ignored
  EXPECT_EQ(all.find("libx.so")->path, "/env/libx.so");
  EXPECT_EQ(all.find("libx.so")->found_by, "LD_LIBRARY_PATH");

  all.library_path = "/nowhere";
  EXPECT_EQ(all.find("libx.so")->path, "/run/libx.so");
  EXPECT_EQ(all.find("libx.so")->found_by, "RUNPATH of /app/lib/caller.so");

  all.runpath = "/nowhere";
  EXPECT_EQ(all.find("libx.so")->path, "/cached/libx.so");
  EXPECT_EQ(all.find("libx.so")->found_by, "ld.so.cache");

  std::filesystem::remove(tree.at("cached/libx.so"));  // the cache is stale
  EXPECT_EQ(all.find("libx.so")->path, "/usr/lib64/libx.so");
  EXPECT_EQ(all.find("libx.so")->found_by, "default directory");
}

TEST(LibrarySearch, CandidatesAreAllThatWouldBeTakenEachFileOnce) {
  Tree tree;
  tree.file("a/libx.so", kX86)
      .link("b/libx.so", "/c/libx.so")
      .file("c/libx.so", kX86)
      .file("arm/libx.so", kArm)
      .file("text/libx.so", "no library")
      .file("lib64/libx.so", kX86)
      .link("loop/libx.so", "libx.so");
  auto fs = base::RootFs::open(tree.root());
  const LibrarySearch search(*fs, {{"LD_LIBRARY_PATH", "/a:/arm:/loop:/text:/b:/c:/a"}});
  std::vector<std::string> paths;
  for (const auto& found : search.candidates("libx.so", {}, "x86_64")) paths.push_back(found.path);
  EXPECT_THAT(paths, ::testing::ElementsAre("/a/libx.so", "/b/libx.so", "/lib64/libx.so"));
}

TEST(LibrarySearch, EndsAfterSoManyLooks) {
  Tree tree;
  std::string long_path;
  for (int i = 0; i < 20'000; ++i) long_path += "/none:";
  auto fs = base::RootFs::open(tree.root());
  const LibrarySearch search(*fs, {{"LD_LIBRARY_PATH", long_path}});
  Result<FoundLibrary> found = Error{"", ENOENT};
  for (int i = 0; i < 60 && found.error().code == ENOENT; ++i)
    found = search.find("libx.so", {}, "x86_64");
  EXPECT_EQ(found.error().code, kOwnLimit);
}

TEST(LibrarySearch, SaysThatThereIsNone) {
  Tree tree;
  tree.directory("lib64");
  const Search search{tree, "", "", ""};
  auto found = search.find("libcuda.so.1");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ENOENT);
  EXPECT_THAT(found.error().message, HasSubstr("there is no /etc/ld.so.cache"));
}

TEST(LibrarySearch, SaysThatTheCacheIsBroken) {
  Tree tree;
  tree.file("etc/ld.so.cache", "rubbish").file("lib64/libx.so", kX86);
  auto fs = base::RootFs::open(tree.root());
  const LibrarySearch search(*fs, {});
  EXPECT_EQ(search.find("libx.so", {}, "x86_64")->path, "/lib64/libx.so");
  EXPECT_THAT(search.cache_problem(), HasSubstr("not a glibc-ld.so.cache"));
  auto none = search.find("liby.so", {}, "x86_64");
  EXPECT_EQ(none.error().code, ENOENT);
  EXPECT_THAT(none.error().message, HasSubstr("could not be read"));
}

TEST(LibrarySearch, PassesOverLibrariesForOtherMachines) {
  Tree tree;
  tree.file("arm/libx.so", kArm).file("i386/libx.so", k32Bit).file("good/libx.so", kX86);
  Search search{tree, "/arm:/i386:/good", "", ""};
  EXPECT_EQ(search.path("libx.so"), "/good/libx.so");
  search.machine = "aarch64";
  EXPECT_EQ(search.path("libx.so"), "/arm/libx.so");
}

// The loader stops at such a file and fails; saying "found" or "absent" would be wrong.
TEST(LibrarySearch, StopsAtAFileThatIsNoLibrary) {
  Tree tree;
  tree.file("a/libx.so", "/* GNU ld script */").file("b/libx.so", kX86);
  auto found = Search{tree, "/a:/b", "", ""}.find("libx.so");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ENOEXEC);
  EXPECT_EQ(found.error().message, "/a/libx.so: not an ELF file");
}

TEST(LibrarySearch, PassesOverDanglingLinks) {
  Tree tree;
  tree.link("a/libx.so", "/gone").file("c/libx.so", kX86);
  EXPECT_EQ((Search{tree, "/a:/c", "", ""}.path("libx.so")), "/c/libx.so");
}

// The loader takes that for a file that is there, leaves the list and goes on with the next.
TEST(LibrarySearch, ALoopingLinkEndsTheListOfDirectoriesAndNotTheSearch) {
  Tree tree;
  tree.link("b/libx.so", "libx.so").file("c/libx.so", kX86).file("run/libx.so", kX86);
  EXPECT_EQ((Search{tree, "/b:/c", "", "/run"}.path("libx.so")), "/run/libx.so");
  EXPECT_EQ((Search{tree, "/b:/c", "", ""}.find("libx.so").error().code), ENOENT);
}

TEST(LibrarySearch, FollowsLinksInsideTheRoot) {
  Tree tree;
  tree.file("opt/real/libx.so.1.2", kX86).link("lib64/libx.so.1", "/opt/real/libx.so.1.2");
  auto found = Search{tree, "", "", ""}.find("libx.so.1");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->path, "/lib64/libx.so.1");
  EXPECT_EQ(found->real_path, "/opt/real/libx.so.1.2");
}

TEST(LibrarySearch, ExpandsTokens) {
  Tree tree;
  tree.directory("lib64")  // so $LIB is lib64
      .directory("app/lib")
      .file("app/libo.so", kX86)
      .file("app/lib64/libl.so", kX86)
      .file("app/x86_64/libp.so", kX86)
      .file("app/$NEW/libn.so", kX86)
      .file("app/$LIBS/libs.so", kX86);
  const Search search{tree, "", "",
                      "$ORIGIN/..:${ORIGIN}/../$LIB:/app/${PLATFORM}:/app/$NEW:/app/$LIBS"};
  EXPECT_EQ(search.path("libo.so"), "/app/lib/../libo.so");
  EXPECT_EQ(search.path("libl.so"), "/app/lib/../lib64/libl.so");
  EXPECT_EQ(search.path("libp.so"), "/app/x86_64/libp.so");
  EXPECT_EQ(search.path("libn.so"), "/app/$NEW/libn.so") << "no token that the loader knows";
  EXPECT_EQ(search.path("libs.so"), "/app/$LIBS/libs.so") << "not $LIB and an S";
}

TEST(LibrarySearch, OriginIsTheDirectoryThatTheRequesterWasOpenedIn) {
  Tree tree;
  tree.file("real/torch/lib/libtorch.so.1", kX86)
      .link("site/torch/lib/libtorch.so", "/real/torch/lib/libtorch.so.1")
      .file("site/torch/lib/libc10.so", kX86);
  Search search{tree, "", "", "$ORIGIN"};
  search.requester = "/site/torch/lib/libtorch.so";
  EXPECT_EQ(search.path("libc10.so"), "/site/torch/lib/libc10.so");
}

TEST(LibrarySearch, EmptyElementsAreTheWorkingDirectory) {
  Tree tree;
  tree.file("libx.so", kX86).file("rel/liby.so", kX86);
  EXPECT_EQ((Search{tree, "/nowhere:", "", ""}.path("libx.so")), "/libx.so");
  EXPECT_EQ((Search{tree, "rel", "", ""}.path("liby.so")), "/rel/liby.so");
}

TEST(LibrarySearch, LdLibraryPathMayBeSeparatedBySemicolons) {
  Tree tree;
  tree.file("b/libx.so", kX86);
  EXPECT_EQ((Search{tree, "/a;/b", "", ""}.path("libx.so")), "/b/libx.so");
  EXPECT_THAT((Search{tree, "", "", "/a;/b"}.path("libx.so")), HasSubstr("error"));
}

TEST(LibrarySearch, ANameWithASlashIsAPath) {
  Tree tree;
  tree.file("opt/libx.so", kX86);
  EXPECT_EQ((Search{tree, "", "", ""}.path("/opt/libx.so")), "/opt/libx.so");
  EXPECT_EQ((Search{tree, "", "", ""}.path("opt/libx.so")), "/opt/libx.so");
  EXPECT_EQ((Search{tree, "", "", ""}.find("/lib64/libx.so").error().code), ENOENT);
}

TEST(LibrarySearch, PrefersHwcapsThatThisCpuSupports) {
  // On another machine than x86-64 one of v3 is taken for granted.
  if (supported_hwcaps("x86_64").empty()) GTEST_SKIP() << "a CPU below x86-64-v2";
  Tree tree;
  tree.file("d/libx.so", kX86)
      .file("d/glibc-hwcaps/x86-64-v2/libx.so", kX86)
      .file("d/glibc-hwcaps/x86-64-v9/libx.so", kX86)
      .file("lib64/liby.so", kX86)
      .file("lib64/glibc-hwcaps/x86-64-v2/liby.so", kX86)
      .file("etc/ld.so.cache",
            ld_so_cache(
                {{"liby.so", "/lib64/glibc-hwcaps/x86-64-v9/liby.so", 0x0303, 1ULL << 62},
                 {"liby.so", "/lib64/glibc-hwcaps/x86-64-v2/liby.so", 0x0303, (1ULL << 62) + 1},
                 {"liby.so", "/lib64/liby.so"}}));
  EXPECT_EQ((Search{tree, "/d", "", ""}.path("libx.so")), "/d/glibc-hwcaps/x86-64-v2/libx.so");
  EXPECT_EQ((Search{tree, "", "", ""}.path("liby.so")), "/lib64/glibc-hwcaps/x86-64-v2/liby.so");
}

TEST(LibrarySearch, TheCachesEntriesForOtherMachinesDoNotCount) {
  Tree tree;
  tree.file("32/libx.so", k32Bit).file("64/libx.so", kX86);
  tree.file("etc/ld.so.cache",
            ld_so_cache({{"libx.so", "/32/libx.so", 0x0003}, {"libx.so", "/64/libx.so"}}));
  EXPECT_EQ((Search{tree, "", "", ""}.path("libx.so")), "/64/libx.so");
}

// Debian's loader is compiled for /lib/<triple>, /usr/lib/<triple>, /lib, /usr/lib;
// Fedora's for /lib64 and /usr/lib64 and never looks into /usr/lib.
TEST(LibrarySearch, KnowsTheDefaultDirectoriesOfBothFamilies) {
  Tree debian;
  debian.file("usr/lib/x86_64-linux-gnu/liba.so", kX86)
      .file("usr/lib/libb.so", kX86)
      .file("lib64/libc.so", kX86);
  EXPECT_EQ((Search{debian, "", "", ""}.path("liba.so")), "/usr/lib/x86_64-linux-gnu/liba.so");
  EXPECT_EQ((Search{debian, "", "", ""}.path("libb.so")), "/usr/lib/libb.so");
  EXPECT_THAT((Search{debian, "", "", ""}.path("libc.so")), HasSubstr("error"));
  Tree fedora;
  fedora.file("usr/lib64/liba.so", kX86).file("usr/lib/libb.so", kX86);
  EXPECT_EQ((Search{fedora, "", "", ""}.path("liba.so")), "/usr/lib64/liba.so");
  EXPECT_THAT((Search{fedora, "", "", ""}.path("libb.so")), HasSubstr("error"));
}

// A directory that is asked again is listed: what is in it is found as before.
TEST(LibrarySearch, FindsFilesAndLinksOfADirectoryThatItHasListed) {
  Tree tree;
  tree.file("r/libx.so", kX86).file("r/liby.so.1.2", kX86).link("r/liby.so", "liby.so.1.2");
  tree.file("elsewhere/libz.so", kX86).link("r/libz.so", "../elsewhere/libz.so");
  tree.directory("r/libw.so").file("usr/lib64/libw.so", kX86);
  auto fs = base::RootFs::open(tree.root());
  const LibrarySearch search(*fs, {});
  for (int round = 0; round < 2; ++round) {
    const auto real = [&](const char* soname) {
      auto found = search.find(soname, {"/app/caller.so", "/r", ""}, "x86_64");
      return found ? found->real_path : found.error().message;
    };
    EXPECT_EQ(real("libx.so"), "/r/libx.so");
    EXPECT_EQ(real("liby.so"), "/r/liby.so.1.2");
    EXPECT_EQ(real("libz.so"), "/elsewhere/libz.so");
    EXPECT_THAT(real("libw.so"), HasSubstr("/r/libw.so"));  // a directory: the loader gives up
    EXPECT_THAT(real("libnone.so"), HasSubstr("libnone.so"));
  }
}

TEST(LibrarySearch, OpensAFileOnce) {
  Tree tree;
  tree.file("r/libx.so", kX86);
  auto fs = base::RootFs::open(tree.root());
  const LibrarySearch search(*fs, {});
  const auto first = search.open("libx.so", {"/app/one.so", "/r", ""}, "x86_64");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->found.found_by, "RPATH of /app/one.so");
  const auto again = search.open("libx.so", {"/app/two.so", "", "/r"}, "x86_64");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(&again->elf.source(), &first->elf.source());
  EXPECT_EQ(again->found.found_by, "RUNPATH of /app/two.so");
  EXPECT_EQ(&search.symbols_of(again->elf), &search.symbols_of(first->elf));
  // What fits one machine is passed over for another.
  EXPECT_FALSE(search.open("libx.so", {"/app/one.so", "/r", ""}, "aarch64").ok());
}

TEST(LibrarySearch, TakesWhatAnotherHasOpened) {
  Tree tree;
  tree.file("r/libx.so", kX86);
  auto fs = base::RootFs::open(tree.root());
  const LibrarySearch search(*fs, {});
  const auto file = std::make_shared<const base::FileSource>(fs->open_file("/r/libx.so").value());
  search.keep("/r/libx.so", *file, *elf::ElfFile::open(file));
  const auto opened = search.open("/r/libx.so", {"/app/one.so", "", ""}, "x86_64");
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(&opened->elf.source(), file.get());
}

}  // namespace
}  // namespace gpuinit::ldso
