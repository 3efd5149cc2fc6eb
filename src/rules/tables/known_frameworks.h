// Table: the packages of Python's that bring code for NVIDIA GPUs without torch: what is known of
// each beforehand. Everything else is read from its files.
//
// Sources: the wheels on PyPI and what their Python code opens (jax_plugins/xla_cuda12/
// __init__.py _load_nvidia_libraries; cupy/_environment.py), CTranslate2, src/cuda/utils.cc.
// 2026-11-28. How to add a row: docs/updating-tables.md.
#pragma once

#include <string_view>

namespace gpuinit::rules::tables {

struct KnownFramework {
  std::string_view name;          // as findings and require.frameworks call it
  std::string_view distribution;  // how that of the library begins
  std::string_view libraries;     // patterns below the directory of packages, with blanks between
  std::string_view opens;         // names that it opens, and cannot do without unless with a '?'
  std::string_view not_in;        // versions that begin so open others
  bool from_wheels;  // its Python code opens them in NVIDIA's wheels before the loader searches
  bool for_gpu;      // as Framework's; false: it is if what it opens is there
  bool falls_back;   // as Framework's
};

// clang-format off
inline constexpr KnownFramework kKnownFrameworks[] = {
    {"jax", "jax-cuda12-pjrt", "jax_plugins/xla_cuda12/xla_cuda_plugin.so",
     "libcudart.so.12 libcublas.so.12 libcupti.so.12 libcusparse.so.12 libcusolver.so.11 "
     "libcufft.so.11 libcudnn.so.9 libnvrtc.so.12? libnccl.so.2? libnvshmem_host.so.3?", "0.4.", true, true, true},
    {"jax", "jax-cuda13-pjrt", "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
     "libcudart.so.13 libcublas.so.13 libcupti.so.13 libcusparse.so.12 libcusolver.so.12 "
     "libcufft.so.12 libcudnn.so.9 libnvrtc.so.13? libnccl.so.2? libnvshmem_host.so.3?", "0.4.", true, true, true},
    {"onnxruntime", "onnxruntime-gpu", "onnxruntime/capi/libonnxruntime_providers_cuda.so",
     "", "", false, true, true},
    {"cupy", "cupy-cuda", "cupy/cuda/thrust.*.so cupy/cuda/cub.*.so", "", "", true, true, false},
    {"ctranslate2", "ctranslate2", "ctranslate2.libs/libctranslate2-*", "libcublas.so.12", "3.",
     false, false, false},
    {"tensorflow", "tensorflow", "tensorflow/libtensorflow_cc.so.2",
     "libcublas.so.12 libcudnn.so.9", "", true, false, true},
    {"paddle", "paddlepaddle-gpu", "paddle/base/libpaddle.so", "", "", true, true, false},
    {"faiss", "faiss-gpu", "faiss/_swigfaiss.so faiss_gpu_cu12.libs/libfaiss-*",
     "libcudart.so.12? libcublas.so.12? libcublasLt.so.12?", "", true, true, false},
    {"tensorrt", "tensorrt-cu", "tensorrt_libs/libnvinfer.so.*", "", "", false, true, false},
    {"llama.cpp", "llama-cpp-python", "llama_cpp/lib/libggml-cuda.so", "", "", false, true, true},
    {"xgboost", "xgboost", "xgboost/lib/libxgboost.so", "", "", false, false, true},
};
// clang-format on

}  // namespace gpuinit::rules::tables
