#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probe/cuda/child_environment.h"

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
                               "/work"),
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
  EXPECT_EQ(library_path("/usr/lib:", "/work"), "LD_LIBRARY_PATH=/usr/lib:/work");
  EXPECT_EQ(library_path(":/a;lib:.", "/work"), "LD_LIBRARY_PATH=/work:/a;/work/lib:/work/.");
  EXPECT_EQ(library_path("lib:", "/"), "LD_LIBRARY_PATH=/lib:/");
  EXPECT_EQ(library_path("$ORIGIN/x:${LIB}", "/work"), "LD_LIBRARY_PATH=$ORIGIN/x:${LIB}");
  EXPECT_EQ(library_path("", "/work"), "LD_LIBRARY_PATH=");
  EXPECT_EQ(library_path("lib:", ""), "LD_LIBRARY_PATH=lib:");
}

}  // namespace
}  // namespace gpuinit::probe
