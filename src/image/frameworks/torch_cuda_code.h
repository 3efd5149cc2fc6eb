// For which GPUs torch was compiled: the list it prints, and the code it carries.
#pragma once

#include <string>
#include <vector>

#include "elf/fatbin.h"
#include "gpuinit/facts.h"
#include "image/frameworks/torch_libraries.h"

namespace gpuinit::image {

// torch.cuda.get_arch_list(): one string constant of libtorch_python.so,
// "sm_75 sm_80 compute_90". Unknown if none or more than one constant looks like it.
// Source: PyTorch, torch/csrc/cuda/Module.cpp, CUDA_ARCH_FLAGS.
Fact<std::vector<std::string>> read_arch_list(const TorchLibraries& libraries);

// The fatbins of libtorch_cuda.so, or of the pair _cu and _cpp that it was split
// into (1.9 to 1.13). libtorch_cuda_linalg is left out: MAGMA is compiled for other
// GPUs than torch is (2.8 has code for Pascal there and nowhere else), and counting
// it would call a torch usable that can run nothing else.
Fact<DeviceCode> read_device_code(const TorchLibraries& libraries);

// Adds what one more file carries.
void add_fatbins(const elf::Fatbins& fatbins, DeviceCode& code);

}  // namespace gpuinit::image
