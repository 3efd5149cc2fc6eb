#include <gtest/gtest.h>
#include <unistd.h>

#include "base/root_fs.h"
#include "elf/elf_file.h"
#include "plan_ranges.h"
#include "support/tree.h"
#include "warmup/page_warmup.h"

namespace gpuinit::warmup {
namespace {

using test::Tree;

ImageFacts image_with(const std::vector<std::string>& libraries) {
  ImageFacts image;
  LoaderFacts loader;
  for (const std::string& path : libraries) loader.libraries.push_back({path, path, "", "", {}});
  image.loader = loader;
  return image;
}

TEST(AutoPlan, IsEmptyWhereNothingIsKnownOfTheLibraries) {
  EXPECT_TRUE(auto_plan(ImageFacts{}).files.empty());
  EXPECT_TRUE(auto_plan(image_with({})).files.empty());
}

TEST(AutoPlan, LeavesOutWhatIsNoLibrary) {
  Tree tree;
  tree.file("text", "hello")
      .directory("directory")
      .file("truncated",
            "\x7F"
            "ELF\2\1\1");
  EXPECT_TRUE(auto_plan(image_with({tree.root() + "/gone", tree.root() + "/text",
                                    tree.root() + "/directory", tree.root() + "/truncated"}))
                  .files.empty());
}

// A real one, of this machine: its C library.
TEST(AutoPlan, HasOfARealLibraryWhatTheLoaderReads) {
  const char* path = nullptr;
  for (const char* candidate :
       {"/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"})
    if (::access(candidate, R_OK) == 0) path = candidate;
  if (path == nullptr) GTEST_SKIP() << "no Debian C library here";
  const PagePlan plan = auto_plan(image_with({path}));
  ASSERT_NE(test::find_file(plan, path), nullptr);

  auto fs = base::RootFs::open("/");
  const auto file = fs->open_file(path);
  const auto elf = elf::ElfFile::open(*file);
  const auto sections = elf->sections();
  ASSERT_TRUE(sections);
  int looked_at = 0;
  for (const elf::Section& section : *sections) {
    if (section.name != ".dynsym" && section.name != ".rela.dyn" && section.name != ".dynamic")
      continue;
    ++looked_at;
    EXPECT_TRUE(test::covers(plan, path, section.offset)) << section.name;
    EXPECT_TRUE(test::covers(plan, path, section.offset + section.size - 1)) << section.name;
  }
  EXPECT_EQ(looked_at, 3);
  for (const elf::Section& section : *sections) {
    if (section.name != ".text") continue;
    EXPECT_FALSE(test::covers(plan, path, section.offset + section.size / 2)) << "a guess";
  }
}

}  // namespace
}  // namespace gpuinit::warmup
