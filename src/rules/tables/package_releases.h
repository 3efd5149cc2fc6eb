// Table: from which release on a Python package does what checks rely on.
//
// Sources stand beside each row. Held against the newest releases on PyPI on 2026-11-29. How to
// add a row: docs/updating-tables.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace gpuinit::rules::tables {

// PyTorch's own wheels: https://download.pytorch.org/whl/NAME, and the GPUs they have code for.
// Source: pytorch, .ci/manywheel/build_env_setup.py; uv, crates/uv-torch/src/backend.rs.
struct TorchIndex {
  std::string_view name;
  std::uint8_t cuda_major, cuda_minor;
  std::uint8_t first_major, first_minor;  // compute capability of the oldest GPU
  std::uint8_t last_major;                // of the newest
};
// In rising order of CUDA.
// clang-format off
inline constexpr TorchIndex kTorchIndexes[] = {
    // name  CUDA    code for
    {"cu118", 11, 8,  5, 0, 9},
    {"cu121", 12, 1,  5, 0, 9},
    {"cu124", 12, 4,  5, 0, 9},
    {"cu126", 12, 6,  5, 0, 9},
    {"cu128", 12, 8,  7, 5, 12},  // 7.0 too in some releases
    {"cu129", 12, 9,  7, 5, 12},
    {"cu130", 13, 0,  7, 5, 12},
    {"cu132", 13, 2,  7, 5, 12},
};
// clang-format on

// The first release of Triton whose own ptxas knows a GPU.
// Source: the ptxas in the wheels on PyPI: CUDA 12.4 in 3.2, 12.8 in 3.3 to 3.5, 12.9 in 3.6, and
// as ptxas-blackwell 13.1 in 3.7, 13.3 in 3.8, 13.4 in 3.9.
struct TritonRow {
  std::uint8_t major, minor;  // compute capability
  std::string_view first;
};
// clang-format off
inline constexpr TritonRow kTritonPtxas[] = {
    {10, 0, "3.3"},
    {10, 3, "3.6"},
    {10, 7, "3.9"},
    {11, 0, "3.7"},
    {12, 0, "3.3"},
    {12, 1, "3.6"},
};
// clang-format on

// What `import PACKAGE` loads, so that the import fails where it does not fit torch.
// Source: torchvision, _meta_registrations.py registers for operators that _C has; torchaudio,
// torchtext: _extension loads it without a try; flash-attn: flash_attn_interface.py imports it.
struct LoadedRow {
  std::string_view package;   // of the distribution
  std::string_view releases;  // in which it is so
  std::string_view library;   // below site-packages, up to a dot
};
// clang-format off
inline constexpr LoadedRow kLoadedAtImport[] = {
    {"torchvision", ">=0.17", "torchvision/_C"},
    {"torchaudio", ">=2.0", "torchaudio/lib/libtorchaudio"},
    {"torchtext", ">=0.15", "torchtext/lib/libtorchtext"},
    {"flash-attn", ">=2", "flash_attn_2_cuda"},
};
// clang-format on

// Releases of torch whose _inductor asks for the user's name when it is imported.
// Source: torch/_inductor/runtime/cache_dir_utils.py and codecache.py.
inline constexpr char kTorchAsksForUser[] = "<2.13";

// Releases of torch that import torchgen and typing_extensions; seen up to 2.15.
inline constexpr char kTorchImportsTorchgen[] = ">=2.6";

// Releases of torchaudio that want torch's CUDA minor version too, not only its major.
// Source: torchaudio, _extension/utils.py.
inline constexpr char kTorchaudioWantsMinor[] = "<=2.11.0";

// Releases of bitsandbytes that load the library of torch's CUDA minor version alone.
// Source: bitsandbytes, cextension.py.
inline constexpr char kBitsandbytesWantsMinor[] = "<0.50";

}  // namespace gpuinit::rules::tables
