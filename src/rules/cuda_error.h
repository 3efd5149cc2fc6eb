// The CUresult codes that occur while a GPU program starts: what each means,
// what usually causes it and whether another try helps.
//
// Source of numbers and meanings: cuda.h (CUDA Toolkit), enum cudaError_enum.
#pragma once

#include <string>
#include <string_view>

namespace gpuinit::rules {

struct CudaError {
  int number = 0;
  std::string_view name;     // "CUDA_ERROR_NO_DEVICE"
  std::string_view message;  // as PyTorch prints it: "no CUDA-capable device is detected"
  std::string_view cause;    // the usual one, a sentence
  std::string_view fix;      // a sentence
  int exit_code = 0;         // class, one of ExitCode
};

// A null pointer for codes that are not in the table.
const CudaError* find_cuda_error(int number);

// "CUDA error 100 (CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected)",
// or "CUDA error 12345".
std::string cuda_error_words(int number);

}  // namespace gpuinit::rules
