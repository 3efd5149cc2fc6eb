// Table: what a policy may ask of every GPU (gpu.features), and the compute capability that brings
// it.
//
// Sources: CUDA C++ Programming Guide, "Compute Capabilities", tables of tensor core data types;
// NVIDIA architecture whitepapers (Ada: FP8 at 8.9; Blackwell: FP4 at 10.0). 2026-11-28. How to
// add a row: docs/updating-tables.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace gpuinit::rules::tables {

struct GpuFeature {
  std::string_view name;
  std::uint8_t major = 0;  // the first capability that has it; 0: no capability says
  std::uint8_t minor = 0;
};

// The last two are of pairs of GPUs.
// clang-format off
inline constexpr GpuFeature kGpuFeatures[] = {
    {"fp16", 7, 0},
    {"int8", 7, 2},
    {"bf16", 8, 0},
    {"tf32", 8, 0},
    {"fp8", 8, 9},
    {"fp4", 10, 0},
    {"p2p", 0, 0},
    {"nvlink", 0, 0},
};
// clang-format on

}  // namespace gpuinit::rules::tables
