// Table: which package brings a shared library.
//
// Source: the wheels on PyPI and the packages of Debian 12 that hold the files. 2026-11-28. How to
// add a row: docs/updating-tables.md.
#pragma once

#include <string_view>

namespace gpuinit::rules::tables {

struct LibraryOrigin {
  std::string_view stem;     // of the library: "libcudnn" for libcudnn.so.9
  std::string_view package;  // pip: with "-cu12" or the like behind it; apt: whole
  bool pip;
};
// clang-format off
inline constexpr LibraryOrigin kLibraryOrigins[] = {
    {"libcudnn", "nvidia-cudnn", true},
    {"libcublas", "nvidia-cublas", true},
    {"libcublasLt", "nvidia-cublas", true},
    {"libcudart", "nvidia-cuda-runtime", true},
    {"libcufft", "nvidia-cufft", true},
    {"libcupti", "nvidia-cuda-cupti", true},
    {"libcurand", "nvidia-curand", true},
    {"libcusolver", "nvidia-cusolver", true},
    {"libcusparse", "nvidia-cusparse", true},
    {"libcusparseLt", "nvidia-cusparselt", true},
    {"libcufile", "nvidia-cufile", true},
    {"libnccl", "nvidia-nccl", true},
    {"libnvrtc", "nvidia-cuda-nvrtc", true},
    {"libnvJitLink", "nvidia-nvjitlink", true},
    {"libnvshmem_host", "nvidia-nvshmem", true},
    {"libnvToolsExt", "nvidia-nvtx", true},
    {"libgomp", "libgomp1", false},
    {"libstdc++", "libstdc++6", false},
};
// clang-format on

}  // namespace gpuinit::rules::tables
