// For what a library was compiled: the NumPy and the GPUs, by its constants and the code it
// carries.
#pragma once

#include <string>
#include <vector>

#include "elf/elf_file.h"
#include "gpuinit/facts.h"
#include "image/frameworks/torch_libraries.h"

namespace gpuinit::image {

// "1" or "2"; absent: it does not use NumPy's C API. By the module that import_array() of
// NumPy's headers imports: those of NumPy 1 compile in "numpy.core._multiarray_umath", those
// of NumPy 2 also, and first, "numpy._core._multiarray_umath". What was compiled with 2 runs
// with both, what was compiled with 1 not with 2. Source: NumPy, numpy/__multiarray_api.h
// (code_generators/generate_numpy_api.py); seen in 1.24's headers and in torch 2.5 to 2.15.
Fact<std::string> read_numpy_abi(const elf::ElfFile& elf);

// What libtorch_python.so has in constants, from one pass over them.
struct TorchConstants {
  Fact<std::string> numpy_abi;
  // torch.cuda.get_arch_list(), "sm_75 sm_80 compute_90". Unknown if none or more than one
  // constant looks like it; absent if it was not looked for.
  // Source: PyTorch, torch/csrc/cuda/Module.cpp, CUDA_ARCH_FLAGS.
  Fact<std::vector<std::string>> arch_list;
};
TorchConstants read_torch_constants(const TorchLibrary& libtorch_python, bool cuda_build);

// The fatbins of libtorch_cuda.so, or of the pair _cu and _cpp that it was split
// into (1.9 to 1.13). libtorch_cuda_linalg is left out: MAGMA is compiled for other
// GPUs than torch is (2.8 has code for Pascal there and nowhere else), and counting
// it would call a torch usable that can run nothing else.
Fact<DeviceCode> read_device_code(const TorchLibraries& libraries);

}  // namespace gpuinit::image
