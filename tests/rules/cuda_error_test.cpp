#include "rules/cuda_error.h"

#include <gtest/gtest.h>

#include "gpuinit/exit_codes.h"

namespace gpuinit::rules {
namespace {

TEST(CudaError, ClassSaysWhatAnotherTryCanDo) {
  const std::pair<int, int> rows[] = {
      {2, kExitNotReady}, {46, kExitNotReady},    {802, kExitNotReady}, {100, kExitNode},
      {3, kExitNode},     {803, kExitNode},       {999, kExitNode},     {804, kExitFit},
      {209, kExitFit},    {800, kExitPermission}, {223, kExitFit},      {222, kExitFit},
  };
  for (const auto& [number, code] : rows) {
    const CudaError* error = find_cuda_error(number);
    ASSERT_NE(error, nullptr) << number;
    EXPECT_EQ(error->number, number);
    EXPECT_EQ(error->exit_code, code) << number;
  }
}

TEST(CudaError, EveryRowIsWhole) {
  int rows = 0;
  for (int number = 0; number < 1100; ++number) {
    const CudaError* error = find_cuda_error(number);
    if (error == nullptr) continue;
    ++rows;
    EXPECT_TRUE(error->name.starts_with("CUDA_ERROR_")) << number;
    EXPECT_FALSE(error->message.empty()) << number;
    EXPECT_TRUE(error->cause.ends_with('.')) << number;
    EXPECT_TRUE(error->fix.ends_with('.')) << number;
    EXPECT_GT(retry_rank(error->exit_code), 0) << number;
  }
  EXPECT_GT(rows, 30);
}

TEST(CudaError, HasWordsForEveryNumber) {
  EXPECT_EQ(cuda_error_words(100),
            "CUDA error 100 (CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected)");
  EXPECT_EQ(cuda_error_words(12345), "CUDA error 12345");
}

}  // namespace
}  // namespace gpuinit::rules
