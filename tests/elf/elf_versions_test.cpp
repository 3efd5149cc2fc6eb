#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/elf_file.h"
#include "support/elf_builder.h"

namespace gpuinit::elf {
namespace {

using base::MemorySource;
using test::ElfBuilder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Built {
  std::string bytes;
  MemorySource source;
  Result<ElfFile> elf;

  explicit Built(std::string from)
      : bytes(std::move(from)),
        source(std::as_bytes(std::span(bytes)), "lib.so"),
        elf(ElfFile::open(source)) {}
};

ElfBuilder versioned() {
  return ElfBuilder()
      .soname("libx.so")
      .defines_version("X_1.0")
      .defines_version("X_1.1")
      .needs_version("libc.so.6", "GLIBC_2.17")
      .needs_version("libc.so.6", "GLIBC_2.99", true)
      .needs_version("libm.so.6", "GLIBC_2.29");
}

TEST(ElfVersions, AreReadInOrder) {
  Built built(versioned().build());
  auto needs = built.elf->needed_versions();
  ASSERT_TRUE(needs.ok()) << needs.error().message;
  ASSERT_EQ(needs->size(), 2U);
  EXPECT_EQ((*needs)[0].file, "libc.so.6");
  ASSERT_EQ((*needs)[0].versions.size(), 2U);
  EXPECT_EQ((*needs)[0].versions[0].name, "GLIBC_2.17");
  EXPECT_FALSE((*needs)[0].versions[0].weak);
  EXPECT_EQ((*needs)[0].versions[0].index, 4U);
  EXPECT_EQ((*needs)[0].versions[1].name, "GLIBC_2.99");
  EXPECT_TRUE((*needs)[0].versions[1].weak);
  EXPECT_EQ((*needs)[1].file, "libm.so.6");

  auto defined = built.elf->defined_versions();
  ASSERT_TRUE(defined.ok() && defined->has_value());
  ASSERT_EQ((*defined)->size(), 3U);
  EXPECT_TRUE((**defined)[0].base);
  EXPECT_EQ((**defined)[2].name, "X_1.1");
  EXPECT_EQ((**defined)[2].index, 3U);
  EXPECT_FALSE((**defined)[2].base);
}

TEST(ElfVersions, AFileMayHaveNone) {
  Built built(ElfBuilder().soname("libx.so").build());
  EXPECT_THAT(*built.elf->needed_versions(), IsEmpty());
  EXPECT_FALSE(built.elf->defined_versions()->has_value());
}

// Overwrites the field of a record in the table of that section.
template <class T>
std::string with(const std::string& section, std::size_t field, T value) {
  std::string bytes = versioned().build();
  const MemorySource source(std::as_bytes(std::span(bytes)), "lib.so");
  const auto at = ElfFile::open(source)->section(section)->value().offset;
  std::memcpy(bytes.data() + at + field, &value, sizeof value);
  return bytes;
}

TEST(ElfVersions, BrokenTablesAreErrorsThatNameThePlace) {
  const auto need_error = [](std::string bytes) {
    Built built(std::move(bytes));
    auto needs = built.elf->needed_versions();
    return needs ? "none" : needs.error().message;
  };
  const auto definition_error = [](std::string bytes) {
    Built built(std::move(bytes));
    auto defined = built.elf->defined_versions();
    return defined ? "none" : defined.error().message;
  };
  const std::string r = ".gnu.version_r", d = ".gnu.version_d";
  EXPECT_EQ(need_error(versioned().build()), "none");
  EXPECT_EQ(definition_error(versioned().build()), "none");
  EXPECT_EQ(need_error(with(r, offsetof(Elf64_Verneed, vn_version), Elf64_Half{2})),
            "lib.so: DT_VERNEED: version 2 of a record");
  EXPECT_THAT(need_error(with(r, offsetof(Elf64_Verneed, vn_file), Elf64_Word{0x7fffffff})),
              HasSubstr("DT_VERNEED: a name at 2147483647"));
  EXPECT_THAT(need_error(with(r, offsetof(Elf64_Verneed, vn_aux), Elf64_Word{0xffffffff})),
              HasSubstr("lib.so is cut short: it has"));
  EXPECT_THAT(need_error(with(r, offsetof(Elf64_Verneed, vn_next), Elf64_Word{0xffffffff})),
              HasSubstr("lib.so is cut short: it has"));
  EXPECT_THAT(need_error(with(r, 16 + offsetof(Elf64_Vernaux, vna_next), Elf64_Word{0xfffffff0})),
              HasSubstr("DT_VERNEED"));
  EXPECT_EQ(definition_error(with(d, offsetof(Elf64_Verdef, vd_version), Elf64_Half{7})),
            "lib.so: DT_VERDEF: version 7 of a record");
  EXPECT_THAT(definition_error(with(d, offsetof(Elf64_Verdef, vd_aux), Elf64_Word{0xffffffff})),
              HasSubstr("DT_VERDEF"));
  EXPECT_THAT(definition_error(with(d, offsetof(Elf64_Verdef, vd_next), Elf64_Word{0xffffffff})),
              HasSubstr("DT_VERDEF"));
}

TEST(ElfVersions, ATableOfAnyLengthEnds) {
  ElfBuilder builder;
  for (int i = 0; i < 9000; ++i) builder.defines_version("V").needs_version("libc.so.6", "V");
  Built built(builder.build());
  auto defined = built.elf->defined_versions();
  ASSERT_FALSE(defined.ok());
  EXPECT_EQ(defined.error().message, "lib.so: DT_VERDEF: more than 8192 records");
  EXPECT_EQ(built.elf->needed_versions().error().message,
            "lib.so: DT_VERNEED: more than 8192 records");
}

}  // namespace
}  // namespace gpuinit::elf
