#include "probe/python/python_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::probe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PythonEnvironment, PassesWhatDecidesOnModulesAndLibraries) {
  EXPECT_THAT(python_environment({{"PATH", "/bin"},
                                  {"PYTHONPATH", "/a"},
                                  {"PYTHONHOME", "/h"},
                                  {"LD_LIBRARY_PATH", ":/a"},
                                  {"LC_ALL", "C"},
                                  {"CUDA_HOME", "/c"},
                                  {"TORCH_HOME", "/t"},
                                  {"OMP_NUM_THREADS", "1"},
                                  {"VIRTUAL_ENV", "/v"}}),
              ElementsAre("CUDA_HOME=/c", "LC_ALL=C", "LD_LIBRARY_PATH=:/a", "OMP_NUM_THREADS=1",
                          "PATH=/bin", "PYTHONHOME=/h", "PYTHONPATH=/a", "TORCH_HOME=/t",
                          "VIRTUAL_ENV=/v"));
}

TEST(PythonEnvironment, PassesNoOtherCodeAndNoSecret) {
  EXPECT_THAT(python_environment({{"LD_PRELOAD", "/x.so"},
                                  {"LD_AUDIT", "/x.so"},
                                  {"AWS_SECRET_ACCESS_KEY", "s"},
                                  {"HF_TOKEN", "s"},
                                  {"NVIDIA_API_KEY", "s"},
                                  {"CONDA_TOKEN", "s"},
                                  {"PYTHON_KEYRING_PASSWORD", "s"},
                                  {"MY_PATH", "1"}}),
              IsEmpty());
}

}  // namespace
}  // namespace gpuinit::probe
