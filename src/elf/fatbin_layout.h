// The headers of NVIDIA's fatbins as they lie in a file. docs/fatbin.md has the layout; private
// to fatbin*.cpp.
#pragma once

#include <cstdint>

namespace gpuinit::elf {

// Upper limits. The largest seen: 2,782 containers in cuBLASLt; 13 entries in one.
inline constexpr std::uint64_t kMaxContainers = 200'000;
inline constexpr std::uint64_t kMaxEntriesOfOne = 4096;

inline constexpr std::uint32_t kContainerMagic = 0xBA55ED50;

struct ContainerHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_size;
  std::uint64_t size;  // of all entries, without this header
};
static_assert(sizeof(ContainerHeader) == 16);

// The part that every version of the header has.
struct EntryHeader {
  std::uint16_t kind;
  std::uint16_t version;
  std::uint32_t header_size;  // the payload begins behind it
  std::uint64_t padded_size;  // of the payload
  std::uint32_t compressed_size;
  std::uint32_t options;
  std::uint16_t minor;  // of the PTX ISA, or of the cubin format
  std::uint16_t major;
  std::uint32_t arch;  // 90
  std::uint32_t name;
  std::uint32_t name_length;
  std::uint64_t flags;
  std::uint64_t unused;
  std::uint64_t uncompressed_size;  // 0: stored as it is
};
static_assert(sizeof(EntryHeader) == 64);

// As a container begins.
struct ContainerHead {
  ContainerHeader container;
  EntryHeader first;
};
static_assert(sizeof(ContainerHead) == 80);

// What a program registers: one for each container, in section .nvFatBinSegment.
// Source: the CUDA Toolkit's fatbinary_section.h.
inline constexpr std::uint32_t kWrapperMagic = 0x466243B1;
struct Wrapper {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;  // of the container, before relocation
  std::uint64_t unused;
};
static_assert(sizeof(Wrapper) == 24);

}  // namespace gpuinit::elf
