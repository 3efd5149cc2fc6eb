// wait.for as a whole: a driver that is not ready at first, and a gpuinit that waits for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checks/run_checks.h"
#include "program/gpuinit_program.h"
#include "support/running_program.h"

namespace gpuinit::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr char kTwoGpus[] = "devices 2 9.0 85899345920 NVIDIA H100\n";

class Waiting : public testing::Test {
 protected:
  // From now on the driver plays this; each cuInit is counted.
  void play(const std::string& script) {
    const auto file = tree_.at("driver.new").string();
    tree_.file("driver.new", std::string(kTwoGpus) + "count cuInit " + tree_.at("asked").string() +
                                 "\n" + script);
    std::filesystem::rename(file, tree_.at("driver"));
  }

  std::size_t asked() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(tree_.at("asked"), error);
    return error ? 0 : size;
  }

  bool is_asked(std::size_t times) const {
    for (int i = 0; i < 2000 && asked() < times; ++i) std::this_thread::sleep_for(10ms);
    return asked() >= times;
  }

  RunOptions options() const {
    // The pipes of MPS are where the probe's sandbox lets a driver write.
    return clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                  {"CUDA_MPS_PIPE_DIRECTORY", tree_.root()},
                  {"CUDA_FAKE_CONFIG", tree_.at("driver")},
                  {"ASAN_OPTIONS", "detect_leaks=0"}});
  }

  // Only what the driver says is judged.
  std::vector<std::string> words(std::vector<std::string> settings,
                                 const std::vector<std::string>& rest) const {
    std::vector<std::string> all{GPUINIT_BINARY};
    for (const auto& check : checks::catalogue())
      if (!check.id.starts_with("device.") || check.id == "device.permissions")
        settings.insert(settings.begin(), "checks." + std::string(check.id) + "=off");
    settings.emplace_back("gpu.required=yes");
    for (const auto& setting : settings) all.insert(all.end(), {"--set", setting});
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }

  Ran run(const std::vector<std::string>& settings, const std::vector<std::string>& rest) const {
    return run_program(words(settings, rest), options());
  }

  Tree tree_;
};

constexpr char kForAll[] = "wait.for=[\"system-not-ready\", \"no-device\", \"busy\"]";

TEST_F(Waiting, TheCommandRunsWhenTheFabricIsReady) {
  for (const char* mode : {"launch.mode=exec", "launch.mode=supervise"}) {
    std::filesystem::remove(tree_.at("asked"));
    play("fail cuInit 802\n");
    RunningProgram running(words({kForAll, mode}, {"python3", "-c", "print('it runs')"}),
                           options());
    ASSERT_TRUE(is_asked(2)) << running.said();
    play("");
    EXPECT_EQ(running.finish(), 0) << running.said();
    EXPECT_GE(asked(), 3U);
    EXPECT_THAT(running.said(), HasSubstr("gpuinit: waiting for the GPUs: cuInit says CUDA error "
                                          "802"));
    EXPECT_THAT(running.said(), HasSubstr("; 0 s of 300 s\n"));
    EXPECT_THAT(running.said(), HasSubstr("gpuinit: waited "));
    EXPECT_THAT(running.said(), HasSubstr("2 × NVIDIA H100"));
    EXPECT_THAT(running.said(), testing::EndsWith("it runs\n"));
  }
}

TEST_F(Waiting, IsAnEventInJson) {
  play("fail cuInit 802\n");
  RunningProgram running(words({kForAll}, {"--check", "--format", "json"}), options());
  ASSERT_TRUE(
      running.says("{\"schema\":2,\"event\":\"progress\",\"message\":\"waiting for the GPUs"))
      << running.said();
  play("");
  EXPECT_EQ(running.finish(), 0) << running.said();
  EXPECT_THAT(running.said(), Not(HasSubstr("gpuinit: ")));
}

TEST_F(Waiting, DevicesThatAppearLateAndDevicesThatAreBusyAreWaitedFor) {
  const std::pair<const char*, const char*> rows[] = {
      {"fail cuInit 100\n", "the driver sees 0 GPUs, gpu.count is >=2"},
      {"fail cuDevicePrimaryCtxRetain@1 46\n", "cuDevicePrimaryCtxRetain of GPU 1 says CUDA error"},
      {"compute-mode 1 3\nfail cuDevicePrimaryCtxRetain@1 46\n", "of GPU 1 says CUDA error 46"}};
  for (const auto& [trouble, reason] : rows) {
    std::filesystem::remove(tree_.at("asked"));
    play(trouble);
    RunningProgram running(words({kForAll, "gpu.count=>=2"}, {"--check"}), options());
    ASSERT_TRUE(running.says("waiting for the GPUs")) << running.said();
    play("");
    EXPECT_EQ(running.finish(), 0) << running.said();
    EXPECT_THAT(running.said(), HasSubstr(reason));
  }
}

TEST_F(Waiting, WhatNeedsNoGpuDoesNotWait) {
  play("fail cuInit 802\n");
  const Ran ran = run({kForAll, "wait.timeout=60"}, {"echo", "it runs"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "it runs\n");
  EXPECT_THAT(ran.err, HasSubstr("warning device.present"));
  EXPECT_EQ(asked(), 1U);
}

TEST_F(Waiting, AfterTheTimeTheUsualVerdictStandsAndSaysHowLong) {
  play("fail cuInit 802\n");
  const Ran ran = run({kForAll, "wait.timeout=1.6"}, {"python3", "-c", "print('it runs')"});
  EXPECT_EQ(ran.exit_code, 75) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("device.present"));
  EXPECT_THAT(ran.err, testing::ContainsRegex("waited +2 s \\(wait.timeout\\)"));
  EXPECT_EQ(asked(), 3U) << "at 0 s, 1 s and 1.6 s";
}

TEST_F(Waiting, WhatIsNotListedIsToldAtOnce) {
  play("fail cuInit 802\n");
  const Ran ran = run({"wait.for=[\"no-device\", \"busy\"]"}, {"--check"});
  EXPECT_EQ(ran.exit_code, 75) << ran.err;
  EXPECT_EQ(asked(), 1U);
  EXPECT_THAT(ran.err, Not(HasSubstr("wait")));
}

TEST_F(Waiting, AnImageThatFailsAnywayIsToldAtOnce) {
  play("fail cuInit 802\n");
  const Ran ran = run({kForAll, "checks.expect.python=fail", "expect.python=<3"}, {"--check"});
  EXPECT_NE(ran.exit_code, 75) << ran.err;
  EXPECT_EQ(asked(), 1U);
}

TEST_F(Waiting, AHangIsNotWaitedForTwice) {
  play("hang cuDeviceGetCount\n");
  const Ran ran = run({kForAll, "probe.timeout=0.5"}, {"--check"});
  EXPECT_EQ(ran.exit_code, 75) << ran.err;
  EXPECT_EQ(asked(), 1U);
}

TEST_F(Waiting, ASavedNodeDoesNotChange) {
  tree_.file("node.json",
             R"({"node":{"probe":{"outcome":"answered","init_error":100,"milliseconds":1},)"
             R"("devices":[]}})");
  const Ran ran = run({kForAll}, {"--check", "--node", tree_.at("node.json")});
  EXPECT_EQ(ran.exit_code, 69) << ran.err;
  EXPECT_THAT(ran.err, Not(HasSubstr("wait")));
}

TEST_F(Waiting, QuietIsSilent) {
  play("fail cuInit 802\n");
  RunningProgram running(words({kForAll}, {"--quiet", "python3", "-c", "print('it runs')"}),
                         options());
  ASSERT_TRUE(is_asked(2));
  play("");
  EXPECT_EQ(running.finish(), 0);
  EXPECT_THAT(running.said(), Not(HasSubstr("wait")));
}

TEST_F(Waiting, AStopRequestEndsItAtOnce) {
  play("fail cuInit 802\n");
  for (const Place place : {Place::kChild, Place::kPid1})
    for (const int signal : {SIGTERM, SIGINT})
      for (const std::vector<std::string>& rest :
           {std::vector<std::string>{"--check"},
            {"--supervise", "python3", "-c", "print('it runs')"},
            {"python3", "-c", "print('it runs')"}}) {
        RunningProgram running(words({kForAll}, rest), options(), place);
        ASSERT_TRUE(running.says("waiting for the GPUs")) << running.said();
        const std::size_t before = asked();
        running.send(signal);
        EXPECT_EQ(running.finish(), 128 + signal);
        EXPECT_EQ(asked(), before) << "the driver is asked again after 1 s";
        EXPECT_THAT(running.said(), Not(HasSubstr("it runs")));
      }
}

}  // namespace
}  // namespace gpuinit::test
