#include "ldso/symbol_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ldso/loader_image.h"

namespace gpuinit::ldso {
namespace {

using test::ElfBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool any(std::string_view) { return true; }

// "name@version" of each that the first library opened has undefined.
std::vector<std::string> undefined(Image& image, const std::string& name = "/bin/p",
                                   bool (*wanted)(std::string_view) = any) {
  auto closure = image.load();
  EXPECT_TRUE(closure.ok());
  std::size_t object = 0;
  if (name != "/bin/p") {
    auto opened = closure->open(name);
    EXPECT_TRUE(opened.ok());
    object = opened.value_or(0);
  }
  SymbolCheck check(*closure);
  auto found = check.undefined(object, wanted);
  std::vector<std::string> result;
  if (!found) return {"error: " + found.error().message};
  for (const auto& symbol : *found)
    result.push_back(symbol.name + (symbol.version.empty() ? "" : "@" + symbol.version));
  return result;
}

TEST(SymbolCheck, NamesWhatNobodyDefinesSorted) {
  for (const bool sysv : {false, true}) {
    Image image;
    ElfBuilder library;
    for (int i = 0; i < 300; ++i) library.defines("f" + std::to_string(i));
    if (sysv) library.sysv_hash(false);
    ElfBuilder program = Image::program().needs("liba.so");
    for (int i = 0; i < 300; ++i) program.wants("f" + std::to_string(i));
    program.wants("zz").wants("gone").wants("weak", true);
    image.file("bin/p", program).file("lib64/liba.so", library.soname("liba.so"));
    EXPECT_THAT(undefined(image), ElementsAre("gone", "zz")) << (sysv ? "DT_HASH" : "DT_GNU_HASH");
  }
}

TEST(SymbolCheck, AsksOnlyForTheNamesWanted) {
  Image image;
  image.file("bin/p", Image::program().needs("liba.so").wants("_ZN3c105gone").wants("Py_Gone"))
      .library("lib64/liba.so");
  EXPECT_THAT(
      undefined(image, "/bin/p", [](std::string_view name) { return name.starts_with("_ZN3c10"); }),
      ElementsAre("_ZN3c105gone"));
}

// What C++ mangles can be left out, whether the names lie in memory or not: 2 MB of names do not.
TEST(SymbolCheck, CanLeaveOutMangledNames) {
  for (const int names : {10, 9000}) {
    Image image;
    ElfBuilder program = Image::program().needs("libnccl.so.2");
    for (int i = 0; i < names; ++i)
      program.wants("_ZN3c10" + std::to_string(i) + std::string(300, 'x'));
    program.wants("ncclCommInitRank").wants("ncclCommResume").wants("_").wants("Z");
    image.file("bin/p", program)
        .file("lib64/libnccl.so.2",
              ElfBuilder().soname("libnccl.so.2").defines("ncclCommInitRank").defines("Z"));
    auto closure = image.load();
    ASSERT_TRUE(closure.ok());
    auto found = SymbolCheck(*closure).undefined(0, any, {}, elf::SymbolTable::Names::kUnmangled);
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ((*found)[0].name, "_");
    EXPECT_EQ((*found)[1].name, "ncclCommResume");
  }
}

TEST(SymbolCheck, LooksIntoTheProgramAndTheOpenedLibrariesOwnNeeds) {
  Image image;
  image.file("bin/p", Image::program().needs("libc.so").defines("of_program"))
      .file("lib64/libc.so", ElfBuilder().soname("libc.so").defines("of_c"))
      .file("x/libplug.so", ElfBuilder()
                                .soname("libplug.so")
                                .needs("libdep.so")
                                .wants("of_program")
                                .wants("of_c")
                                .wants("of_dep")
                                .wants("of_self")
                                .wants("of_nobody"))
      .file("lib64/libdep.so", ElfBuilder().soname("libdep.so").defines("of_dep"))
      .file("x/libother.so", ElfBuilder().soname("libother.so").defines("of_nobody"));
  EXPECT_THAT(undefined(image, "/x/libplug.so"), ElementsAre("of_nobody", "of_self"));

  // Of a library that was opened before, only if its symbols are global.
  for (const auto symbols : {LoaderClosure::Symbols::kLocal, LoaderClosure::Symbols::kGlobal}) {
    auto closure = image.load();
    (void)closure->open("/x/libother.so", LoaderClosure::kProgram, symbols);
    const auto plug = closure->open("/x/libplug.so");
    SymbolCheck check(*closure);
    auto found = check.undefined(*plug, [](auto name) { return name == "of_nobody"; });
    EXPECT_EQ(found->empty(), symbols == LoaderClosure::Symbols::kGlobal);
  }
}

// A program that wants f of version V2, and what its library has.
std::vector<std::string> with_version(const ElfBuilder& library, bool versioned = true) {
  Image image;
  ElfBuilder program = Image::program().needs("liba.so").wants("f");
  if (versioned) program.needs_version("liba.so", "V2").from_version("V2");
  image.file("bin/p", program).file("lib64/liba.so", ElfBuilder(library).soname("liba.so"));
  return undefined(image);
}

ElfBuilder versions() {
  return ElfBuilder().defines_version("V1").defines_version("V2").defines_version("V3");
}

TEST(SymbolCheck, TheVersionHasToBeTheOneAskedFor) {
  EXPECT_THAT(with_version(versions().defines("f").in_version("V2")), IsEmpty());
  EXPECT_THAT(with_version(versions().defines("f").in_version("V2", true)), IsEmpty());
  EXPECT_THAT(with_version(versions().defines("f").in_version("V1")), ElementsAre("f@V2"));
  EXPECT_THAT(
      with_version(versions().defines("f").in_version("V1", true).defines("f").in_version("V2")),
      IsEmpty());
  EXPECT_THAT(with_version(versions().defines("f")), IsEmpty()) << "a definition without version";
  EXPECT_THAT(with_version(ElfBuilder().defines("f")), IsEmpty()) << "a library without versions";
}

TEST(SymbolCheck, ASymbolWithoutVersionTakesTheOldestOrTheOnlyOne) {
  EXPECT_THAT(with_version(versions().defines("f").in_version("V1"), false), IsEmpty());
  EXPECT_THAT(with_version(versions().defines("f").in_version("V1", true), false), IsEmpty());
  EXPECT_THAT(with_version(versions().defines("f").in_version("V3"), false), IsEmpty());
  EXPECT_THAT(with_version(versions().defines("f").in_version("V3", true), false),
              ElementsAre("f"));
}

TEST(SymbolCheck, ATableThatCannotBeReadIsNotKnownAndNotEmpty) {
  Image image;
  std::string broken = ElfBuilder().soname("liba.so").defines("g").build();
  const base::MemorySource source(std::as_bytes(std::span(broken)), "");
  const auto table = elf::ElfFile::open(source)->section(".gnu.hash")->value().offset;
  const std::uint32_t no_buckets = 0;
  std::memcpy(broken.data() + table, &no_buckets, sizeof no_buckets);
  image.file("bin/p", Image::program().needs({"liba.so", "libb.so"}).wants("f"))
      .file("lib64/libb.so", ElfBuilder().soname("libb.so").defines("f"));
  image.tree.file("lib64/liba.so", broken);
  EXPECT_THAT(undefined(image), IsEmpty()) << "libb has it, whatever liba says";
  image.file("lib64/libb.so", ElfBuilder().soname("libb.so").defines("h"));
  EXPECT_THAT(undefined(image), ElementsAre(HasSubstr("DT_GNU_HASH is broken")));
}

}  // namespace
}  // namespace gpuinit::ldso
