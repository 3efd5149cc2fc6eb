// Table: the GPUs that there are, by compute capability.
//
// Sources: https://docs.nvidia.com/cuda/parallel-thread-execution/, "PTX ISA Version History",
// column "Supported Targets", and the targets of each ptxas (`ptxas --list-arch`; which targets of
// a family it takes for a GPU); https://developer.nvidia.com/cuda-gpus, column "Jetson"; CUDA
// Programming Guide, "Compute Capabilities", table of families. Held against ptxas 12.9, 13.0 and
// 13.3 to 13.5 on 2026-11-29. How to add a row: docs/updating-tables.md.
#pragma once

#include <cstdint>

namespace gpuinit::rules::tables {

struct CapabilityRow {
  std::uint8_t major, minor;
  std::uint8_t first_major, first_minor;  // the first toolkit that compiles for it
  std::uint8_t last_major;                // the last major version that does. 0: all newer do
  std::uint8_t family;                    // the same number: one family. 0: in none
  bool integrated;                        // in a Tegra or Jetson chip
};

// clang-format off
inline constexpr CapabilityRow kCapabilities[] = {
    // GPU   first  last  family  integrated
    {3, 2,   6, 0,  10,   0,      true},
    {3, 5,   5, 0,  11,   0,      false},
    {3, 7,   6, 5,  11,   0,      false},
    {5, 0,   6, 0,  12,   0,      false},
    {5, 2,   6, 5,  12,   0,      false},
    {5, 3,   7, 0,  12,   0,      true},
    {6, 0,   8, 0,  12,   0,      false},
    {6, 1,   8, 0,  12,   0,      false},
    {6, 2,   8, 0,  12,   0,      true},
    {7, 0,   9, 0,  12,   0,      false},
    {7, 2,   9, 1,  12,   0,      true},
    {7, 5,   10, 0, 0,    0,      false},
    {8, 0,   11, 0, 0,    0,      false},
    {8, 6,   11, 1, 0,    0,      false},
    {8, 7,   11, 4, 0,    0,      true},
    {8, 8,   13, 0, 0,    0,      false},
    {8, 9,   11, 8, 0,    0,      false},
    {9, 0,   11, 8, 0,    0,      false},
    {10, 0,  12, 8, 0,    100,    false},  // not 12.7, which had no toolkit
    {10, 3,  12, 9, 0,    100,    false},
    {10, 7,  13, 4, 0,    100,    false},
    {11, 0,  13, 0, 0,    110,    true},
    {12, 0,  12, 8, 0,    120,    false},
    {12, 1,  12, 9, 0,    120,    false},
};
// clang-format on

// A GPU that was renamed: CUDA 12 calls 10.1 what is 11.0 (Thor) since CUDA 13.
struct RenamedCapability {
  std::uint8_t old_major, old_minor, major, minor;
};
inline constexpr RenamedCapability kRenamed{10, 1, 11, 0};

}  // namespace gpuinit::rules::tables
