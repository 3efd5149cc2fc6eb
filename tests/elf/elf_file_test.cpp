#include "elf/elf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/elf_builder.h"

namespace gpuinit::elf {
namespace {

using base::MemorySource;
using test::ElfBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// The bytes and the file that is read from them live together.
struct Built {
  std::string bytes;
  MemorySource source;
  Result<ElfFile> elf;

  explicit Built(std::string from)
      : bytes(std::move(from)),
        source(std::as_bytes(std::span(bytes)), "lib.so"),
        elf(ElfFile::open(source)) {}
};

std::vector<std::string> names(const std::vector<Symbol>& symbols) {
  std::vector<std::string> result;
  for (const Symbol& symbol : symbols) result.push_back(symbol.name);
  return result;
}

// Overwrites the field of `T` at `offset`.
template <class T>
void poke(std::string& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

TEST(ElfFile, TellsTheMachine) {
  EXPECT_EQ(Built(ElfBuilder().build()).elf->machine(), "x86_64");
  EXPECT_EQ(Built(ElfBuilder().machine(EM_AARCH64).build()).elf->machine(), "aarch64");
  EXPECT_EQ(Built(ElfBuilder().machine(243).build()).elf->machine(), "e_machine 243");
}

TEST(ElfFile, TellsASharedObjectFromAFixedProgram) {
  EXPECT_TRUE(Built(ElfBuilder().build()).elf->is_shared_object_or_pie());
  EXPECT_FALSE(Built(ElfBuilder().type(ET_EXEC).build()).elf->is_shared_object_or_pie());
}

TEST(ElfFile, ReadsWhatALibrarySaysAboutItself) {
  Built built(ElfBuilder()
                  .soname("libtorch.so")
                  .needs({"libc10.so", "libm.so.6"})
                  .rpath("/opt/old")
                  .runpath("$ORIGIN:$ORIGIN/../../nvidia/cublas/lib")
                  .build());
  auto dynamic = built.elf->dynamic();
  ASSERT_TRUE(dynamic.ok()) << dynamic.error().message;
  EXPECT_TRUE(dynamic->present);
  EXPECT_EQ(dynamic->soname, "libtorch.so");
  EXPECT_EQ(dynamic->rpath, "/opt/old");
  EXPECT_EQ(dynamic->runpath, "$ORIGIN:$ORIGIN/../../nvidia/cublas/lib");
  EXPECT_THAT(dynamic->needed, ElementsAre("libc10.so", "libm.so.6"));
}

TEST(ElfFile, AStaticProgramHasNoDynamicPartAndNoInterpreter) {
  Built built(ElfBuilder().type(ET_EXEC).build());
  EXPECT_FALSE(built.elf->dynamic()->present);
  EXPECT_FALSE(built.elf->interpreter()->has_value());
  EXPECT_FALSE(built.elf->find_defined("main")->has_value());
  EXPECT_TRUE(built.elf->symbols_with_prefix({""})->empty());
}

TEST(ElfFile, TellsWhichCpuItAsksFor) {
  const auto level = [](ElfBuilder builder) {
    Built built(builder.soname("l.so").build());
    return built.elf->dynamic()->cpu_level;
  };
  EXPECT_EQ(level(ElfBuilder()), 0);
  EXPECT_EQ(level(ElfBuilder().cpu_level(1)), 1);
  EXPECT_EQ(level(ElfBuilder().cpu_level(3)), 3);
  EXPECT_EQ(level(ElfBuilder().cpu_level(4).without_section_headers()), 4);
  // The number means nothing elsewhere.
  EXPECT_EQ(level(ElfBuilder().machine(EM_AARCH64).cpu_level(3)), 0);
  // Not a property, of another owner, and without the level.
  const std::string words("\x02\x80\x00\xc0\x04\0\0\0\x07\0\0\0\0\0\0\0", 16);
  const std::string name = ".note.gnu.property";
  EXPECT_EQ(level(ElfBuilder().note(name, "GNU", words, 5)), 3);
  EXPECT_EQ(level(ElfBuilder().note(name, "GNU", words, 1)), 0);
  EXPECT_EQ(level(ElfBuilder().note(name, "BSD", words, 5)), 0);
  EXPECT_EQ(level(ElfBuilder().note(".note.x", "GNU", words, 5)), 0);
  EXPECT_EQ(level(ElfBuilder().note(name, "GNU", words.substr(0, 8), 5)), 0);
  EXPECT_EQ(level(ElfBuilder().note(name, "GNU", "", 5)), 0);
}

TEST(ElfFile, ReadsTheInterpreter) {
  Built built(ElfBuilder().interpreter("/lib/ld-musl-x86_64.so.1").build());
  EXPECT_EQ(built.elf->interpreter()->value(), "/lib/ld-musl-x86_64.so.1");
}

TEST(ElfFile, FindsWhatIsDefinedAndOnlyThat) {
  ElfBuilder builder;
  for (int i = 0; i < 500; ++i)
    builder.defines("PyThing_" + std::to_string(i), 0x1000U + i, 8U + i);
  builder.wants("PyOther");
  for (const bool sysv_only : {false, true}) {
    Built built((sysv_only ? builder.sysv_hash() : builder).build());
    for (int i = 0; i < 500; ++i) {
      auto found = built.elf->find_defined("PyThing_" + std::to_string(i));
      ASSERT_TRUE(found.ok()) << found.error().message;
      ASSERT_TRUE(found->has_value()) << i;
      EXPECT_EQ((*found)->address, 0x1000U + i);
      EXPECT_EQ((*found)->size, 8U + i);
    }
    EXPECT_FALSE(built.elf->find_defined("PyThing_500")->has_value());
    EXPECT_FALSE(built.elf->find_defined("PyThing_")->has_value());
    EXPECT_FALSE(built.elf->find_defined("PyOther")->has_value()) << "is only wanted";
    EXPECT_FALSE(built.elf->find_defined("")->has_value());
  }
}

TEST(ElfFile, ListsSymbolsByPrefix) {
  for (const bool sysv : {false, true}) {
    ElfBuilder builder;
    builder.wants("PyList_New")
        .wants("Py_Weak", true)
        .wants("printf")
        .defines("PyInit__C")
        .defines("x");
    if (sysv) builder.sysv_hash();
    Built built(builder.build());
    auto symbols = built.elf->symbols_with_prefix({"Py"});
    ASSERT_TRUE(symbols.ok()) << symbols.error().message;
    EXPECT_THAT(names(*symbols), UnorderedElementsAre("PyList_New", "Py_Weak", "PyInit__C"));
    for (const Symbol& symbol : *symbols) {
      EXPECT_EQ(symbol.defined, symbol.name == "PyInit__C");
      EXPECT_EQ(symbol.weak, symbol.name == "Py_Weak");
    }
    EXPECT_EQ(built.elf->symbols_with_prefix({""})->size(), 5U);
  }
}

// Its GNU hash table is empty and does not count what the file only asks for.
TEST(ElfFile, ListsSymbolsOfAFileThatDefinesNone) {
  Built built(ElfBuilder().wants("PyList_New").wants("PyErr_Clear").build());
  EXPECT_THAT(names(*built.elf->symbols_with_prefix({"Py"})),
              UnorderedElementsAre("PyList_New", "PyErr_Clear"));
  Built stripped(ElfBuilder().wants("PyList_New").without_section_headers().build());
  EXPECT_THAT(stripped.elf->symbols_with_prefix({"Py"}).error().message,
              HasSubstr("section headers"));
}

TEST(ElfFile, FindsSections) {
  Built built(ElfBuilder().section(".nv_fatbin", "0123456789").section(".rodata", "x").build());
  auto section = built.elf->section(".nv_fatbin");
  ASSERT_TRUE(section.ok());
  ASSERT_TRUE(section->has_value());
  EXPECT_EQ((*section)->size, 10U);
  EXPECT_EQ(*built.source.read_text((*section)->offset, 10), "0123456789");
  EXPECT_FALSE(built.elf->section("__nv_relfatbin")->has_value());
}

// A file that was stripped of them may have any section: unknown, not absent.
TEST(ElfFile, WithoutSectionHeadersASectionIsUnknown) {
  Built built(ElfBuilder().section(".nv_fatbin", "0123456789").without_section_headers().build());
  EXPECT_EQ(built.elf->section(".nv_fatbin").error().message, "lib.so: no section headers");
}

TEST(ElfFile, FindsNotesBySectionAndBySegment) {
  ElfBuilder builder;
  builder.note(".note.gnu.build-id", "GNU", std::string("\x01\0\x02", 3), 3);
  builder.note(".note.cuda.fwd_compatibility", "NVIDIA", "550");
  Built built(builder.build());
  EXPECT_EQ(built.elf->note(".note.gnu.build-id", "GNU")->value(), std::string("\x01\0\x02", 3));
  EXPECT_EQ(built.elf->note(".note.cuda.fwd_compatibility", "NVIDIA")->value(), "550");
  EXPECT_FALSE(built.elf->note(".note.cuda.fwd_compatibility", "Other")->has_value());
  Built stripped(builder.without_section_headers().build());
  EXPECT_EQ(stripped.elf->note(".note.cuda.fwd_compatibility", "NVIDIA")->value(), "550");
}

TEST(ElfFile, TranslatesAddresses) {
  Built built(ElfBuilder().soname("x").build());
  EXPECT_EQ(*built.elf->file_offset(ElfBuilder::kBase + 100, 4), 100U);
  EXPECT_FALSE(built.elf->file_offset(ElfBuilder::kBase - 1, 4).ok());
  EXPECT_FALSE(built.elf->file_offset(ElfBuilder::kBase, built.bytes.size() + 1).ok());
  EXPECT_FALSE(built.elf->file_offset(~std::uint64_t{0}, 2).ok());
}

TEST(ElfFile, RefusesWhatIsNotA64BitElfFile) {
  EXPECT_EQ(Built("").elf.error().message, "lib.so: not an ELF file");
  EXPECT_EQ(Built("#!/bin/sh\n").elf.error().message, "lib.so: not an ELF file");
  EXPECT_EQ(Built(ElfBuilder().elf32().build()).elf.error().message,
            "lib.so: not a 64-bit little-endian ELF file");
  EXPECT_FALSE(Built("\x7f"
                     "ELF\2\1")
                   .elf.ok());
}

// Wherever a copy broke off: an error or the truth, and no read past the end.
TEST(ElfFile, SurvivesTruncationAtEveryByte) {
  const std::string whole = ElfBuilder()
                                .interpreter("/lib64/ld-linux-x86-64.so.2")
                                .soname("libx.so")
                                .needs("libc.so.6")
                                .defines("a")
                                .wants("b")
                                .note(".note.x", "GNU", "id")
                                .build();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Built built(whole.substr(0, size));
    if (!built.elf) continue;
    auto dynamic = built.elf->dynamic();
    if (dynamic) {
      EXPECT_EQ(dynamic->soname, "libx.so") << size;
      EXPECT_THAT(dynamic->needed, ElementsAre("libc.so.6")) << size;
    }
    auto found = built.elf->find_defined("a");
    if (found) {
      EXPECT_TRUE(found->has_value()) << size;
    }
    auto symbols = built.elf->symbols_with_prefix({""});
    if (symbols) {
      EXPECT_EQ(symbols->size(), 2U) << size;
    }
    (void)built.elf->interpreter();
    (void)built.elf->section(".note.x");
    (void)built.elf->note(".note.x", "GNU");
  }
}

TEST(ElfFile, RefusesAbsurdCounts) {
  const std::string good = ElfBuilder().soname("x").section("s", "y").build();
  std::string many_segments = good;
  poke<std::uint16_t>(many_segments, offsetof(Elf64_Ehdr, e_phnum), 0xffff);
  EXPECT_EQ(Built(many_segments).elf.error().code, 0);  // not a limit: they are not there
  many_segments.resize(4'000'000);
  EXPECT_EQ(Built(many_segments).elf.error().message, "lib.so: 65535 program headers");
  EXPECT_EQ(Built(many_segments).elf.error().code, kOwnLimit);

  std::string odd_segments = good;
  poke<std::uint16_t>(odd_segments, offsetof(Elf64_Ehdr, e_phentsize), 1);
  EXPECT_EQ(Built(odd_segments).elf.error().message, "lib.so: program headers of 1 bytes");

  std::string far_sections = good;
  poke<std::uint64_t>(far_sections, offsetof(Elf64_Ehdr, e_shoff), ~std::uint64_t{0} - 10);
  EXPECT_THAT(Built(far_sections).elf->section("s").error().message, HasSubstr("lib.so"));

  std::string no_names = good;
  poke<std::uint16_t>(no_names, offsetof(Elf64_Ehdr, e_shstrndx), 0xfffe);
  EXPECT_EQ(Built(no_names).elf->section("s").error().message,
            "lib.so: the section name table is not a section");
}

TEST(ElfFile, AHashChainThatNeverEndsIsAnError) {
  std::string bytes = ElfBuilder().defines("a").sysv_hash().build();
  const auto table = Built(bytes).elf->section(".hash")->value();
  // One bucket, which begins at symbol 1; let symbol 1 be followed by itself.
  poke<std::uint32_t>(bytes, table.offset + table.size - 4, 1);
  EXPECT_EQ(Built(bytes).elf->find_defined("b").error().message,
            "lib.so: DT_HASH has a chain without end");
}

}  // namespace
}  // namespace gpuinit::elf
