#include "ldso/version_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ldso/loader_image.h"

namespace gpuinit::ldso {
namespace {

using test::ElfBuilder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ElfBuilder libstdcxx() {
  return ElfBuilder()
      .soname("libstdc++.so.6")
      .defines_version("GLIBCXX_3.4")
      .defines_version("GLIBCXX_3.4.9")
      .defines_version("GLIBCXX_3.4.30")
      .defines_version("GLIBCXX_PRIVATE")
      .defines_version("CXXABI_1.3.13");
}

// What is said of a program that needs this of that library.
VersionCheck check(const ElfBuilder& program, const ElfBuilder& library = libstdcxx()) {
  Image image;
  image.file("bin/p", program).file("lib64/libstdc++.so.6", library);
  auto closure = image.load();
  EXPECT_TRUE(closure.ok());
  return check_versions(*closure);
}

ElfBuilder program() { return Image::program().needs("libstdc++.so.6"); }

TEST(VersionCheck, ADefinedVersionIsThere) {
  const auto result = check(program()
                                .needs_version("libstdc++.so.6", "GLIBCXX_3.4.9")
                                .needs_version("libstdc++.so.6", "CXXABI_1.3.13"));
  EXPECT_THAT(result.missing, IsEmpty());
  EXPECT_THAT(result.unversioned, IsEmpty());
  EXPECT_THAT(result.problems, IsEmpty());
}

TEST(VersionCheck, AMissingOneIsToldWithTheHighestOfItsFamily) {
  const auto result = check(program()
                                .needs_version("libstdc++.so.6", "GLIBCXX_3.4.32")
                                .needs_version("libstdc++.so.6", "CXXABI_1.3.15")
                                .needs_version("libstdc++.so.6", "OTHER_1"));
  ASSERT_THAT(result.missing, SizeIs(3));
  EXPECT_EQ(result.missing[0].needed_by, 0U);
  EXPECT_EQ(result.missing[0].provider, 1U);
  EXPECT_EQ(result.missing[0].version.file, "libstdc++.so.6");
  EXPECT_EQ(result.missing[0].version.version, "GLIBCXX_3.4.32");
  EXPECT_EQ(result.missing[0].version.highest, "GLIBCXX_3.4.30")
      << "by number, not by text: 3.4.9 is less";
  EXPECT_EQ(result.missing[1].version.highest, "CXXABI_1.3.13");
  EXPECT_EQ(result.missing[2].version.highest, "");
}

TEST(VersionCheck, AWeakNeedMayBeMissing) {
  EXPECT_THAT(check(program().needs_version("libstdc++.so.6", "GLIBCXX_9", true)).missing,
              IsEmpty());
}

TEST(VersionCheck, ALibraryWithoutVersionsIsTakenForAny) {
  const auto result = check(program().needs_version("libstdc++.so.6", "GLIBCXX_3.4.32"),
                            ElfBuilder().soname("libstdc++.so.6"));
  EXPECT_THAT(result.missing, IsEmpty());
  ASSERT_THAT(result.unversioned, SizeIs(1));
  EXPECT_EQ(result.unversioned[0].provider, 1U);
}

TEST(VersionCheck, NothingIsSaidOfALibraryThatIsMissing) {
  const auto result = check(program().needs("libc.so.6").needs_version("libc.so.6", "GLIBC_2.38"));
  EXPECT_THAT(result.missing, IsEmpty());
  EXPECT_THAT(result.unversioned, IsEmpty());
}

TEST(VersionCheck, NothingIsSaidOfATableThatCannotBeRead) {
  ElfBuilder endless = libstdcxx();
  for (int i = 0; i < 9000; ++i) endless.defines_version("V");
  const auto result = check(program().needs_version("libstdc++.so.6", "GLIBCXX_3.4.32"), endless);
  EXPECT_THAT(result.missing, IsEmpty());
  ASSERT_THAT(result.problems, SizeIs(1));
  EXPECT_THAT(result.problems[0], HasSubstr("DT_VERDEF"));
}

}  // namespace
}  // namespace gpuinit::ldso
