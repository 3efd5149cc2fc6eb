// Who makes a library or a function: torch, CUDA, the driver; by its name.
#pragma once

#include <string_view>

namespace gpuinit::base {

// "libtorch_cpu.so", "libc10_cuda.so", "libshm.so.1.13"; not "libtorchaudio.so".
bool is_torch_library(std::string_view soname);

// NVIDIA's: "libcudart.so.12", "libnvrtc.so.12", and the driver's own "libcuda.so.1".
bool is_cuda_library(std::string_view soname);

// What torch loads itself; the others of NVIDIA's (TensorRT, cuTENSOR) are extras of packages.
bool is_core_cuda_library(std::string_view soname);

// Those that the node brings with its driver: "libcuda.so.1", "libnvidia-ml.so.1".
bool is_driver_library(std::string_view soname);

// Whether a function has the name of its library in front: "cusparseLtInit" of
// "libcusparseLt.so.0", "nvshmemx_init" of "libnvshmem_host.so.3", "cuFileRead" of
// "libcufile.so.0".
bool is_named_after(std::string_view symbol, std::string_view soname);

// "cudaMalloc", "cublasCreate_v2", "cuFileRead", "nvshmemx_init"; not the driver's "cuInit".
bool is_cuda_function(std::string_view symbol);

// Functions of libcuda and libnvidia-ml: "cuMemAlloc_v2", "nvmlInit_v2"; not "cublasCreate",
// "cuFileRead".
bool is_driver_function(std::string_view symbol);

}  // namespace gpuinit::base
