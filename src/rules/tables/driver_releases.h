// Table: which driver branch brings which CUDA, and which PTX ISA the two know.
//
// Sources: https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/, tables "CUDA Toolkit and
// Minimum Required Driver Version for CUDA Minor Version Compatibility" and "CUDA Toolkit and
// Corresponding Driver Versions" (Linux x86_64; up to CUDA 13.3 Update 1);
// https://developer.download.nvidia.com/compute/nvidia-driver/redist/, "cuda_variant" of a driver;
// https://docs.nvidia.com/cuda/parallel-thread-execution/, "PTX ISA Version History" (it names the
// driver branch of each CUDA release). How to add a row: docs/updating-tables.md.
#pragma once

#include <cstdint>

namespace gpuinit::rules::tables {

// The day on which the rows were last held against the sources.
inline constexpr char kDriverReleasesDate[] = "2026-11-29";

struct DriverNumber {
  std::uint16_t branch, second, third;
};

struct DriverRelease {
  std::uint8_t cuda_major, cuda_minor;
  std::uint8_t isa_major, isa_minor;  // the PTX ISA that its toolkit writes and its driver loads
  DriverNumber driver;                // of the first release; 0, 0: its branch alone is known
};

// In rising order in every column. A toolkit whose driver branch is in no source yet has branch 0.
// clang-format off
inline constexpr DriverRelease kDriverReleases[] = {
    // CUDA  ISA    driver
    {8, 0,   5, 0,  {375, 26, 0}},
    {9, 0,   6, 0,  {384, 81, 0}},
    {9, 1,   6, 1,  {390, 46, 0}},
    {9, 2,   6, 2,  {396, 26, 0}},
    {10, 0,  6, 3,  {410, 48, 0}},
    {10, 1,  6, 4,  {418, 39, 0}},
    {10, 2,  6, 5,  {440, 33, 0}},
    {11, 0,  7, 0,  {450, 36, 6}},
    {11, 1,  7, 1,  {455, 23, 0}},
    {11, 2,  7, 2,  {460, 27, 3}},
    {11, 3,  7, 3,  {465, 19, 1}},
    {11, 4,  7, 4,  {470, 42, 1}},
    {11, 5,  7, 5,  {495, 29, 5}},
    {11, 6,  7, 6,  {510, 39, 1}},
    {11, 7,  7, 7,  {515, 43, 4}},
    {11, 8,  7, 8,  {520, 61, 5}},
    {12, 0,  8, 0,  {525, 60, 13}},
    {12, 1,  8, 1,  {530, 30, 2}},
    {12, 2,  8, 2,  {535, 54, 3}},
    {12, 3,  8, 3,  {545, 23, 6}},
    {12, 4,  8, 4,  {550, 54, 14}},
    {12, 5,  8, 5,  {555, 42, 2}},
    {12, 6,  8, 5,  {560, 28, 3}},
    {12, 7,  8, 6,  {565, 57, 1}},  // a driver branch only, there was no toolkit
    {12, 8,  8, 7,  {570, 26, 0}},
    {12, 9,  8, 8,  {575, 51, 3}},
    {13, 0,  9, 0,  {580, 65, 6}},
    {13, 1,  9, 1,  {590, 44, 1}},
    {13, 2,  9, 2,  {595, 45, 4}},
    {13, 3,  9, 3,  {610, 43, 2}},
    {13, 4,  9, 4,  {615, 0, 0}},  // the release notes' exact number was not to be had
    {13, 5,  9, 5,  {620, 0, 0}},  // nor here: redistrib_620.70.06.json; ptxas 13.5.37
};
// clang-format on

// The lowest driver that serves every toolkit of a family by minor version compatibility, which
// there is from CUDA 11 on.
struct FamilyFloor {
  std::uint8_t cuda_major;
  DriverNumber driver;
};
// clang-format off
inline constexpr FamilyFloor kFamilyFloors[] = {
    {11, {450, 80, 2}},
    {12, {525, 60, 13}},
    {13, {580, 0, 0}},
};
// clang-format on

}  // namespace gpuinit::rules::tables
