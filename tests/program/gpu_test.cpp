// The whole program on GPUs that no test machine has: a libcuda.so.1 that plays them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "program/gpuinit_program.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

class Gpu : public testing::Test {
 protected:
  void SetUp() override { image_.write_to(tree_); }

  RunOptions with_driver(const std::string& behaviour) {
    config_.file("driver", behaviour);
    RunOptions options = clean(
        {{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY}, {"CUDA_FAKE_CONFIG", config_.at("driver")}});
    return options;
  }
  Ran check(const std::string& behaviour, std::vector<std::string> more = {}) {
    // Not of the GPUs, and 64 MiB where the tests run in a container.
    std::vector<std::string> arguments{"--check", "--root", tree_.root(), "--set",
                                       "checks.limits.shm=off"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return gpuinit(arguments, with_driver(behaviour));
  }

  Tree tree_;
  Tree config_;
  PyTorchImage image_;
};

constexpr char kEightH100[] =
    "driver-version 12080\ndevices 8 9.0 85899345920 NVIDIA H100 80GB HBM3\n";

TEST_F(Gpu, EightGoodDevicesAreOneLine) {
  const Ran ran = check(kEightH100);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("8 × NVIDIA H100 80GB HBM3"));
}

TEST_F(Gpu, TheCountThatThePolicyWants) {
  EXPECT_EQ(check(kEightH100, {"--set", "gpu.count=8"}).exit_code, 0);
  const Ran ran = check(kEightH100, {"--set", "gpu.count=>=16"});
  EXPECT_EQ(ran.exit_code, 69);
  EXPECT_THAT(ran.err, HasSubstr("device.present"));
}

TEST_F(Gpu, ADriverThatIsTooOldForTorch) {
  const Ran ran = check("driver-version 11040\ndevices 1 8.0 42949672960 NVIDIA A100\n");
  EXPECT_EQ(ran.exit_code, 66) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("cuda.driver"));
  EXPECT_THAT(ran.err, HasSubstr("12.8"));
}

TEST_F(Gpu, ADeviceThatTorchHasNoCodeFor) {
  const Ran ran =
      check("driver-version 12080\ndevices 1 6.1 11811160064 NVIDIA GeForce GTX 1080 Ti\n");
  EXPECT_EQ(ran.exit_code, 66) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("device.arch"));
  EXPECT_THAT(ran.err, HasSubstr("GTX 1080 Ti"));
}

TEST_F(Gpu, AKernelWithAWrongResult) {
  const Ran ran = check(std::string(kEightH100) + "wrong-result 3 0\n");
  EXPECT_EQ(ran.exit_code, 69) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("device.context"));
}

TEST_F(Gpu, WithoutWarmUpNoContextIsMade) {
  const Ran ran = check(std::string(kEightH100) + "crash cuDevicePrimaryCtxRetain\n",
                        {"--set", "warmup.context=false"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
}

TEST_F(Gpu, BusyAndNotReadyCanBeRetried) {
  EXPECT_EQ(check(std::string(kEightH100) + "fail cuInit 802\n").exit_code, 75);
  EXPECT_EQ(check(std::string(kEightH100) + "fail cuDevicePrimaryCtxRetain 46\n").exit_code, 75);
}

TEST_F(Gpu, AHangingDriverEndsAtTheTimeout) {
  const auto start = std::chrono::steady_clock::now();
  const Ran ran = check(std::string(kEightH100) + "hang cuInit\n", {"--set", "probe.timeout=0.5"});
  EXPECT_EQ(ran.exit_code, 75) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("cuInit"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(Gpu, ADeviceThatHangsIsNamedBesideWhatTheOthersSay) {
  const Ran ran = check(std::string(kEightH100) + "hang cuMemAlloc_v2@2\nwrong-result 5 0\n",
                        {"--set", "warmup.timeout=1"});
  EXPECT_EQ(ran.exit_code, 69) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("GPU 5: a test kernel ran and its result was wrong"));
  EXPECT_THAT(ran.err, HasSubstr("it hangs in cuMemAlloc_v2 2"));
  EXPECT_THAT(ran.err, testing::ContainsRegex("GPU 2 +no answer within 1 s in cuMemAlloc_v2"));
}

TEST_F(Gpu, ACrashingDriverIsAFinding) {
  const Ran ran = check(std::string(kEightH100) + "crash cuInit\n");
  EXPECT_EQ(ran.exit_code, 69) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("SIGSEGV"));
}

TEST_F(Gpu, FactsHoldWhatTheDriverSaid) {
  const Ran ran = gpuinit({"--facts", "--root", tree_.root()}, with_driver(kEightH100));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  auto facts = base::parse_json(ran.out);
  ASSERT_TRUE(facts.ok()) << ran.out;
  const auto* node = facts->find("node");
  EXPECT_EQ(*node->find("driver")->find("cuda_version")->as_string(), "12.8");
  const auto* devices = node->find("devices")->as_array();
  ASSERT_NE(devices, nullptr);
  ASSERT_EQ(devices->size(), 8U);
  EXPECT_EQ(*devices->at(7).find("compute_capability")->as_string(), "9.0");
  EXPECT_EQ(devices->at(0).find("uuid")->as_string()->substr(0, 4), "GPU-");
}

// The node's half is asked once and judged with many images.
TEST_F(Gpu, FactsOfAGpuNodeJudgeAnImageElsewhere) {
  const Ran facts = gpuinit({"--facts", "--root", tree_.root()}, with_driver(kEightH100));
  config_.file("node.json", facts.out);
  const Ran ran = gpuinit({"--check", "--root", tree_.root(), "--node", config_.at("node.json")});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("8 × NVIDIA H100"));
}

}  // namespace
}  // namespace gpuinit::test
