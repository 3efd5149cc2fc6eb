// The probe with NVIDIA's own libraries, on a machine without a GPU (tests/inputs/fetch.py
// fetches them): the version is told truly, and cuInit says that there is no device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "fake_driver.h"

namespace gpuinit::probe {
namespace {

using testing::IsEmpty;

std::filesystem::path cache() {
  if (const char* given = std::getenv("GPUINIT_TESTS_CACHE")) return given;
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (xdg != nullptr && *xdg != '\0') return std::filesystem::path(xdg) / "gpuinit-tests";
  return std::filesystem::path(home != nullptr ? home : "/root") / ".cache/gpuinit-tests";
}

struct Release {
  const char* branch;
  const char* cuda_version;
};

class RealDriver : public testing::TestWithParam<Release> {};

TEST_P(RealDriver, TellsItsVersionAndThatThereIsNoDevice) {
  const auto directory = cache() / "driver" / GetParam().branch / "usr/lib/x86_64-linux-gnu";
  ASSERT_TRUE(std::filesystem::exists(directory / "libcuda.so.1")) << "run tests/inputs/fetch.py";
  // With a kernel driver the library would be told that it is not the right one.
  const bool no_driver = !std::filesystem::exists("/dev/nvidiactl");
  for (const bool context : {false, true}) {
    CudaProbeOptions options;
    options.context = context;
    options.installed_path.clear();
    options.environment = {{"LD_LIBRARY_PATH", directory.string()}};
    const auto answer = CudaProbe::start(options).collect();
    ASSERT_EQ(answer.run.outcome, ProbeRun::Outcome::kAnswered) << answer.run.detail;
    EXPECT_TRUE(answer.run.load_error.is_absent()) << answer.run.load_error.value_or("");
    EXPECT_EQ(answer.cuda_version, Fact<std::string>(GetParam().cuda_version));
    ASSERT_TRUE(answer.run.init_error);
    if (!no_driver) continue;
    EXPECT_EQ(*answer.run.init_error, 100);
    EXPECT_EQ(answer.run.last_step, "cuInit");
    ASSERT_TRUE(answer.devices);
    EXPECT_THAT(*answer.devices, IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Debian, RealDriver,
                         testing::Values(Release{"450", "11.0"}, Release{"470", "11.4"},
                                         Release{"525", "12.0"}, Release{"535", "12.2"},
                                         Release{"550", "12.4"}),
                         [](const auto& release) {
                           return std::string("R") + release.param.branch;
                         });

}  // namespace
}  // namespace gpuinit::probe
