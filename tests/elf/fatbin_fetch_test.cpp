// A slow disk: how often a walk through fatbins has to wait for it.
#include <gtest/gtest.h>

#include "elf/fatbin.h"
#include "support/elf_builder.h"
#include "support/fatbin_builder.h"
#include "support/slow_disk.h"

namespace gpuinit::elf {
namespace {

using test::ElfBuilder;
using test::fatbin_container;
using test::ptx;
using test::SlowDisk;
using test::sm;

constexpr int kContainers = 60;

// Containers of three entries, each far from the other. The first is not on a page that the headers
// of the file are read from.
ElfBuilder library() {
  const std::string payload(20'000, '\0');
  std::string code;
  for (int i = 0; i < kContainers; ++i)
    code += fatbin_container({sm("80").with_payload(payload), sm("90").with_payload(payload),
                              ptx("90", "8.4").with_payload(payload)});
  return ElfBuilder().section(".rodata", std::string(10'000, 'x')).section(".nv_fatbin", code);
}

// What the linker makes of their registration; `shift`: how wrong its addresses are.
std::string wrappers(std::uint64_t shift = 0) {
  const std::string file = library().build();
  const base::MemorySource source(std::as_bytes(std::span(file)), "lib.so");
  const Section code = **ElfFile::open(source)->section(".nv_fatbin");
  std::string bytes;
  for (int i = 0; i < kContainers; ++i) {
    test::append_le(bytes, std::uint32_t{0x466243B1});
    test::append_le(bytes, std::uint32_t{1});
    test::append_le(bytes, code.address + i * (code.size / kContainers) + shift);
    test::append_le(bytes, std::uint64_t{0});
  }
  return bytes;
}

int waits_for(const std::string& file) {
  const SlowDisk disk(file);
  DeviceCode code;
  const auto containers = read_fatbins(*ElfFile::open(disk), code);
  EXPECT_TRUE(containers.ok());
  EXPECT_EQ(containers.value_or(0), kContainers);
  EXPECT_EQ(code.entries["sm_90"], kContainers);
  return disk.waits();
}

TEST(FatbinFetch, WaitsForNoHeaderWhereTheWrappersSayWhereContainersAre) {
  EXPECT_LT(waits_for(library().section(".nvFatBinSegment", wrappers()).build()), 10);
}

TEST(FatbinFetch, WaitsForEachContainerOnceWhereTheyDoNot) {
  const int waits = waits_for(library().build());
  EXPECT_GE(waits, kContainers - 1);  // the disk counts
  EXPECT_LT(waits, kContainers + 10);
}

// They only say what to fetch first.
TEST(FatbinFetch, WrappersThatLieDoNoHarm) {
  for (const std::uint64_t shift : {std::uint64_t{30'000}, ~std::uint64_t{0} / 2})
    EXPECT_LT(waits_for(library().section(".nvFatBinSegment", wrappers(shift)).build()),
              kContainers + 10);
}

}  // namespace
}  // namespace gpuinit::elf
