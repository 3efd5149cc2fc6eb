#include "elf/fatbin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/elf_builder.h"
#include "support/fatbin_builder.h"

namespace gpuinit::elf {
namespace {

using base::MemorySource;
using test::ElfBuilder;
using test::fatbin_container;
using test::fatbin_container_of;
using test::fatbin_entry;
using test::ptx;
using test::sm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

struct Fatbins : DeviceCode {
  std::uint64_t containers = 0;
};

Result<Fatbins> walk(const std::string& bytes) {
  const MemorySource source(std::as_bytes(std::span(bytes)), "lib.so");
  Fatbins fatbins;
  auto containers = walk_fatbin_section(source, 0, bytes.size(), fatbins);
  if (!containers) return std::move(containers).error();
  fatbins.containers = *containers;
  return fatbins;
}

Result<Fatbins> read(const std::string& library) {
  const MemorySource source(std::as_bytes(std::span(library)), "lib.so");
  Fatbins fatbins;
  auto containers = read_fatbins(*ElfFile::open(source), fatbins);
  if (!containers) return std::move(containers).error();
  fatbins.containers = *containers;
  return fatbins;
}

std::string problem(const std::string& bytes) {
  auto fatbins = walk(bytes);
  return fatbins ? "no problem" : fatbins.error().message;
}

TEST(Fatbin, NamesEveryKindOfTarget) {
  auto fatbins =
      walk(fatbin_container({sm("80"), sm("90a"), sm("100f"), ptx("90"), ptx("90a"), ptx("100f")}));
  ASSERT_TRUE(fatbins.ok()) << fatbins.error().message;
  EXPECT_THAT(fatbins->entries,
              ElementsAre(Pair("compute_100f", 1), Pair("compute_90", 1), Pair("compute_90a", 1),
                          Pair("sm_100f", 1), Pair("sm_80", 1), Pair("sm_90a", 1)));
}

TEST(Fatbin, CountsEntriesAndGroupsContainersByTheirTargets) {
  std::string bytes;
  for (int i = 0; i < 3; ++i) bytes += fatbin_container({sm("80"), sm("90"), ptx("90", "8.4")});
  bytes += fatbin_container({sm("90"), sm("90a"), sm("80")});
  bytes += fatbin_container({sm("90"), sm("80"), sm("80")});
  auto fatbins = walk(bytes);
  ASSERT_TRUE(fatbins.ok()) << fatbins.error().message;
  EXPECT_EQ(fatbins->containers, 5U);
  EXPECT_EQ(fatbins->entries["sm_80"], 6U);
  EXPECT_EQ(fatbins->entries["sm_90"], 5U);
  ASSERT_EQ(fatbins->groups.size(), 3U);
  EXPECT_THAT(fatbins->groups[0].targets, ElementsAre("compute_90", "sm_80", "sm_90"));
  EXPECT_EQ(fatbins->groups[0].containers, 3U);
  EXPECT_EQ(*fatbins->groups[0].ptx_isa, "8.4");
  EXPECT_THAT(fatbins->groups[1].targets, ElementsAre("sm_80", "sm_90", "sm_90a"));
  EXPECT_THAT(fatbins->groups[2].targets, ElementsAre("sm_80", "sm_90"));
  EXPECT_TRUE(fatbins->groups[2].ptx_isa.is_absent());
}

// "8.10" is newer than "8.9": no comparison of texts.
TEST(Fatbin, AGroupHasTheHighestPtxIsaOfItsContainers) {
  auto fatbins = walk(fatbin_container({ptx("90", "8.9")}) + fatbin_container({ptx("90", "8.10")}) +
                      fatbin_container({ptx("90", "7.8")}));
  ASSERT_TRUE(fatbins.ok());
  ASSERT_EQ(fatbins->groups.size(), 1U);
  EXPECT_EQ(*fatbins->groups[0].ptx_isa, "8.10");
}

// Sizes from 64 to 144 bytes have been seen; the payload begins behind it.
TEST(Fatbin, BelievesTheEntryHeaderAboutItsSize) {
  std::string bytes;
  for (const std::uint32_t size : {64, 72, 80, 104, 152, 4096})
    bytes += fatbin_container({sm("90").with_header_size(size), sm("80")});
  auto fatbins = walk(bytes);
  ASSERT_TRUE(fatbins.ok()) << fatbins.error().message;
  EXPECT_EQ(fatbins->entries["sm_90"], 6U);
  EXPECT_EQ(fatbins->entries["sm_80"], 6U);
}

TEST(Fatbin, SkipsKindsThatNoDriverLoads) {
  auto fatbins =
      walk(fatbin_container({sm("90").with_kind(8), sm("80"), sm("90").with_kind(0x40)}) +
           fatbin_container({sm("90").with_kind(8)}));
  ASSERT_TRUE(fatbins.ok());
  EXPECT_THAT(fatbins->entries, ElementsAre(Pair("sm_80", 1)));
  EXPECT_EQ(fatbins->containers, 2U);
  ASSERT_EQ(fatbins->groups.size(), 1U);
  EXPECT_THAT(fatbins->groups[0].targets, ElementsAre("sm_80"));
}

// What nvlink adds to a device-linked program has code for no kernel; were it
// counted, a library that a device can JIT as a whole would lack one container.
TEST(Fatbin, ContainersThatCannotHoldAKernelAreCountedButNotGrouped) {
  const auto stub = [](std::string_view arch) { return sm(arch).with_uncompressed_size(1640); };
  const auto stored = sm("75").with_uncompressed_size(0).with_payload(std::string(1464, '\0'));
  auto fatbins = walk(fatbin_container({stored, stub("90"), stub("100")}) +
                      fatbin_container({sm("90"), ptx("90")}));
  ASSERT_TRUE(fatbins.ok());
  EXPECT_EQ(fatbins->entries["sm_90"], 2U);
  EXPECT_EQ(fatbins->entries["sm_75"], 1U);
  EXPECT_EQ(fatbins->containers, 2U);
  ASSERT_EQ(fatbins->groups.size(), 1U);
  EXPECT_THAT(fatbins->groups[0].targets, ElementsAre("compute_90", "sm_90"));
}

TEST(Fatbin, OneEntryThatMayHoldAKernelMakesTheContainerCount) {
  const auto small = sm("90").with_uncompressed_size(1640);
  for (const auto& other :
       {sm("80"), ptx("90").with_uncompressed_size(60), sm("90").with_kind(8)}) {
    auto fatbins = walk(fatbin_container({small, other}));
    ASSERT_TRUE(fatbins.ok());
    EXPECT_EQ(fatbins->groups.size(), 1U);
  }
}

TEST(Fatbin, AcceptsZerosBetweenContainers) {
  const std::string container = fatbin_container({sm("90")});
  auto fatbins = walk(std::string(8, '\0') + container + std::string(24, '\0') + container +
                      std::string(13, '\0'));
  ASSERT_TRUE(fatbins.ok()) << fatbins.error().message;
  EXPECT_EQ(fatbins->containers, 2U);
}

TEST(Fatbin, NoCodeIsNoCode) {
  EXPECT_THAT(walk("")->entries, IsEmpty());
  EXPECT_THAT(walk(fatbin_container({}))->groups, IsEmpty());
}

TEST(Fatbin, SaysWhereAContainerIsBroken) {
  const std::string good = fatbin_container({sm("90")});
  EXPECT_EQ(problem(good + "not a fatbin, for certain"),
            "lib.so: fatbin at offset " + std::to_string(good.size()) + ": no fatbin container");
  EXPECT_THAT(problem(good + "trailing"), HasSubstr("no fatbin container"));
  EXPECT_THAT(problem(good.substr(0, good.size() - 8)), HasSubstr("runs out of its section"));
  EXPECT_THAT(problem(std::string(5000, '\0')), HasSubstr("no fatbin container"));
  EXPECT_THAT(problem(std::string(4, '\0') + std::string(20, 'x')),
              HasSubstr("no fatbin container"));
}

TEST(Fatbin, SaysWhereAnEntryIsBroken) {
  const std::string entry = fatbin_entry(sm("90"));
  EXPECT_EQ(problem(fatbin_container_of(entry.substr(0, entry.size() - 8))),
            "lib.so: fatbin at offset 16: an entry runs out of its container");
  EXPECT_THAT(problem(fatbin_container_of(entry + "tail")), HasSubstr("runs out of its container"));
  EXPECT_THAT(problem(fatbin_container({sm("90").with_header_size(63)})),
              HasSubstr("an entry header of 63 bytes"));
  EXPECT_THAT(problem(fatbin_container({sm("90").with_header_size(70'000)})),
              HasSubstr("an entry header of 70000 bytes"));
  EXPECT_THAT(problem(fatbin_container({sm("0")})), HasSubstr("architecture 0"));
  EXPECT_THAT(problem(fatbin_container({sm("100000")})), HasSubstr("architecture 100000"));
  auto both = sm("90a");
  both.flags |= 0x200000;
  EXPECT_THAT(problem(fatbin_container({both})), HasSubstr("both"));
}

TEST(Fatbin, SurvivesTruncationAtEveryByte) {
  const std::string whole =
      fatbin_container({sm("90").with_payload("x"), ptx("90").with_payload("y")}) +
      fatbin_container({sm("80").with_payload("z")});
  const std::size_t first =
      fatbin_container({sm("90").with_payload("x"), ptx("90").with_payload("y")}).size();
  for (std::size_t size = 1; size < whole.size(); ++size)
    EXPECT_EQ(walk(whole.substr(0, size)).ok(), size == first) << size;
}

TEST(Fatbin, ReadsBothSectionsOfALibrary) {
  const std::string bytes = ElfBuilder()
                                .section(".nv_fatbin", fatbin_container({sm("90")}))
                                .section("__nv_relfatbin", fatbin_container({sm("90"), sm("100")}))
                                .build();
  auto fatbins = read(bytes);
  ASSERT_TRUE(fatbins.ok()) << fatbins.error().message;
  EXPECT_THAT(fatbins->entries, ElementsAre(Pair("sm_100", 1), Pair("sm_90", 2)));
}

TEST(Fatbin, ALibraryWithoutDeviceCodeHasNone) {
  const std::string bytes = ElfBuilder().soname("libc10.so").build();
  auto fatbins = read(bytes);
  ASSERT_TRUE(fatbins.ok());
  EXPECT_EQ(fatbins->containers, 0U);
}

// Without section headers nothing shows whether there is device code.
TEST(Fatbin, ALibraryWithoutSectionHeadersIsUnknown) {
  const std::string bytes =
      ElfBuilder().section(".nv_fatbin", "").without_section_headers().build();
  EXPECT_FALSE(read(bytes).ok());
}

}  // namespace
}  // namespace gpuinit::elf
