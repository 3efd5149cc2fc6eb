// After a failure gpuinit asks the driver once more: a GPU that fell off the bus.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "checks/run_checks.h"
#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

constexpr char kTwoDevices[] = "devices 2 9.0 85899345920 NVIDIA H100\n";
constexpr char kOneDevice[] = "devices 1 9.0 85899345920 NVIDIA H100\n";

// A /dev with a driver's control device, in a mount namespace of its own.
void give_driver() {
  if (::mount("tmpfs", "/dev", "tmpfs", 0, nullptr) != 0) ::_exit(247);
  ::mknod("/dev/null", S_IFCHR | 0666, ::makedev(1, 3));
  ::mknod("/dev/nvidiactl", S_IFREG | 0666, 0);
}

// The command does `harm` to the driver `tree` describes, and fails.
RunningProgram fail_after(const Tree& tree, const std::string& harm,
                          std::vector<std::string> settings = {}) {
  // The pipes of MPS are where the probe's sandbox lets a driver write.
  RunOptions options = clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                              {"CUDA_MPS_PIPE_DIRECTORY", tree.root()},
                              {"CUDA_FAKE_CONFIG", tree.at("driver")},
                              {"ASAN_OPTIONS", "detect_leaks=0"}});
  options.in_child = give_driver;
  settings.insert(settings.end(), {"gpu.required=yes", "warmup.context=false", "probe.timeout=9"});
  for (const auto& check : checks::catalogue())
    settings.push_back("checks." + std::string(check.id) + "=warn");
  return RunningProgram(
      supervised(shell("printf '" + harm + "' > " + tree.at("driver").string() + "; exit 4"),
                 settings),
      options, Place::kPid1);
}

TEST(DriverAfterFailure, StillAnswers) {
  Tree tree;
  tree.file("driver", kTwoDevices);
  auto running = fail_after(tree, kTwoDevices);
  EXPECT_EQ(running.finish(), 4);
  EXPECT_THAT(running.said(), HasSubstr("exited with 4; the driver still answers (2 devices)"));
}

TEST(DriverAfterFailure, HasLostADevice) {
  Tree tree;
  tree.file("driver", kTwoDevices);
  auto running = fail_after(tree, kOneDevice);
  EXPECT_EQ(running.finish(), 4) << "the command's own code, unless the policy wants it to show";
  EXPECT_THAT(running.said(),
              HasSubstr("the driver does not answer as it should (1 device of 2): a GPU may have "
                        "fallen off the bus"));
}

TEST(DriverAfterFailure, ReportsAnError) {
  Tree tree;
  tree.file("driver", kTwoDevices);
  auto running = fail_after(tree, "fail cuInit 999\\n", {"launch.postmortem-exit=true"});
  EXPECT_EQ(running.finish(), 69);
  EXPECT_THAT(running.said(), HasSubstr("999"));
}

TEST(DriverAfterFailure, Hangs) {
  Tree tree;
  tree.file("driver", kTwoDevices);
  auto running = fail_after(tree, "hang cuInit\\n", {"launch.postmortem-exit=true"});
  EXPECT_EQ(running.finish(), 69);
  EXPECT_THAT(running.said(), HasSubstr("does not answer as it should"));
}

// A second stop request gets the exit code at once.
TEST(DriverAfterFailure, IsNotWaitedForAfterSigterm) {
  Tree tree;
  tree.file("driver", kTwoDevices);
  auto running = fail_after(tree, "linger-hang cuInit " + tree.at("asked").string() + "\\n",
                            {"launch.postmortem-exit=true"});
  for (int i = 0; i < 1000 && !std::filesystem::exists(tree.at("asked")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(std::filesystem::exists(tree.at("asked"))) << running.said();
  const auto start = std::chrono::steady_clock::now();
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(), 4);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(7));
}

}  // namespace
}  // namespace gpuinit::test
