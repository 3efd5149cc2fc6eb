#include "probe/child/child_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::probe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CudaEnvironment, PassesWhatSteersCudaAndTheLoader) {
  EXPECT_THAT(cuda_environment({{"CUDA_VISIBLE_DEVICES", "0,1"},
                                {"NVIDIA_VISIBLE_DEVICES", "all"},
                                {"LD_LIBRARY_PATH", "/a"},
                                {"GLIBC_TUNABLES", "t"},
                                {"HOME", "/root"},
                                {"USER", "u"},
                                {"TMPDIR", "/t"},
                                {"XDG_CACHE_HOME", "/c"}},
                               "/srv"),
              ElementsAre("CUDA_VISIBLE_DEVICES=0,1", "GLIBC_TUNABLES=t", "HOME=/root",
                          "LD_LIBRARY_PATH=/a", "NVIDIA_VISIBLE_DEVICES=all", "TMPDIR=/t", "USER=u",
                          "XDG_CACHE_HOME=/c"));
}

TEST(CudaEnvironment, PassesNothingElse) {
  EXPECT_THAT(cuda_environment({{"LD_PRELOAD", "/x.so"},
                                {"LD_AUDIT", "/x.so"},
                                {"LD_DEBUG", "all"},
                                {"PATH", "/bin"},
                                {"LC_ALL", "de_DE.UTF-8"},
                                {"AWS_SECRET_ACCESS_KEY", "s"},
                                {"cuda_lower", "1"},
                                {"MY_CUDA_PATH", "1"},
                                {"HOMEPAGE", "1"}},
                               "/"),
              IsEmpty());
}

std::string library_path(const std::string& value, const std::string& directory) {
  return cuda_environment({{"LD_LIBRARY_PATH", value}}, directory).at(0);
}

TEST(CudaEnvironment, RelativeLibraryDirectoriesCountFromTheCommandsDirectory) {
  EXPECT_EQ(library_path("/usr/lib:", "/srv"), "LD_LIBRARY_PATH=/usr/lib:/srv");
  EXPECT_EQ(library_path(":/a;lib:.", "/srv"), "LD_LIBRARY_PATH=/srv:/a;/srv/lib:/srv/.");
  EXPECT_EQ(library_path("lib:", "/"), "LD_LIBRARY_PATH=/lib:/");
  EXPECT_EQ(library_path("$ORIGIN/x:${LIB}", "/srv"), "LD_LIBRARY_PATH=$ORIGIN/x:${LIB}");
  EXPECT_EQ(library_path("", "/srv"), "LD_LIBRARY_PATH=");
  EXPECT_EQ(library_path("lib:", ""), "LD_LIBRARY_PATH=lib:");
}

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
