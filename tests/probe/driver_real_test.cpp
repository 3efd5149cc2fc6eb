// The probe with NVIDIA's own libraries and with the C libraries of other distributions, on a
// machine without a GPU (tests/inputs/fetch.py fetches both): the version is told truly,
// and cuInit says that there is no device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "fake_driver.h"
#include "support/inputs_cache.h"

namespace gpuinit::probe {
namespace {

using testing::IsEmpty;

struct Release {
  const char* branch;
  const char* cuda_version;
};

class RealDriver : public testing::TestWithParam<Release> {};

TEST_P(RealDriver, TellsItsVersionAndThatThereIsNoDevice) {
  const auto directory = test::inputs() / "driver" / GetParam().branch / "usr/lib/x86_64-linux-gnu";
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

// The glibc of Debian 11 to sid, from the trees of their interpreters.
class RealGlibc : public testing::TestWithParam<const char*> {};

constexpr char kLibraries[] = "usr/lib/x86_64-linux-gnu";

// False: they have not been fetched.
bool put_glibc(test::Tree& image, const char* python) {
  const auto glibc = test::inputs() / "python" / python / kLibraries;
  if (!std::filesystem::exists(glibc / "libc.so.6")) return false;
  image.directory("/lib64").directory("/libs");
  for (const char* library :
       {"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"})
    std::filesystem::copy_file(glibc / library, image.at("/libs") / library);
  std::filesystem::copy_file(glibc / "ld-linux-x86-64.so.2",
                             image.at("/lib64/ld-linux-x86-64.so.2"));
  return true;
}

// What came of them, and whether at the same time: one takes half a second.
std::string try_four_devices(const char* python, const char* variant) {
  test::Tree image;
  if (!put_glibc(image, python)) return "run tests/inputs/fetch.py";
  std::filesystem::copy_file(std::filesystem::path(GPUINIT_FAKE_LIBCUDA) / variant / "libcuda.so.1",
                             image.at("/libs/libcuda.so.1"));
  image.file("/libs/libcuda.fake",
             "devices 4 9.0 85899345920 NVIDIA H100\nslow cuDevicePrimaryCtxRetain 500\n");
  return test::in_another_process([&]() -> std::string {
    if (!test::enter_root(image.root())) return "neither root nor user namespaces";
    CudaProbeOptions options;
    options.context = true;
    options.environment = {{"LD_LIBRARY_PATH", "/libs"}};
    const auto answer = CudaProbe::start(options).collect();
    std::string text = test::in_words(answer);
    if (!answer.devices) return text;
    for (const Device& device : *answer.devices)
      if (!device.context || !device.context->result_correct) text += ", one failed";
    return text + (answer.run.milliseconds < 1500 ? ", together" : ", one by one");
  });
}

// libpthread.so.0 was a library of its own before glibc 2.34.
TEST_P(RealGlibc, HasThreadsForSeveralDevices) {
  EXPECT_EQ(try_four_devices(GetParam(), "anywhere"), "answered, 4 devices, together");
}

TEST(Glibc231, WithoutItsThreadsOneDeviceFollowsTheOther) {
  EXPECT_EQ(try_four_devices("3.9", "threadless"), "answered, 4 devices, one by one");
}

TEST_P(RealGlibc, StartsTheProbe) {
  const auto driver = test::inputs() / "driver/535" / kLibraries / "libcuda.so.1";
  ASSERT_TRUE(std::filesystem::exists(driver)) << "run tests/inputs/fetch.py";
  test::Tree image;
  ASSERT_TRUE(put_glibc(image, GetParam())) << "run tests/inputs/fetch.py";
  std::filesystem::copy_file(driver, image.at("/libs/libcuda.so.1"));
  EXPECT_EQ(test::in_another_process([&]() -> std::string {
              if (!test::enter_root(image.root())) return "neither root nor user namespaces";
              CudaProbeOptions options;
              options.environment = {{"LD_LIBRARY_PATH", "/libs"}};
              const auto answer = CudaProbe::start(options).collect();
              return test::in_words(answer) + ", CUDA " + answer.cuda_version.value_or("unknown");
            }),
            "answered, 0 devices, CUDA 12.2");
}

INSTANTIATE_TEST_SUITE_P(Debian, RealGlibc, testing::Values("3.9", "3.11", "3.13", "3.14"),
                         [](const auto& python) {
                           std::string name = python.param;
                           name.replace(name.find('.'), 1, "_");
                           return "OfPython" + name;
                         });

}  // namespace
}  // namespace gpuinit::probe
