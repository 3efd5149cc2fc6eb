// Signals before the command runs: during checks and warm-up, and right before exec.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checks/run_checks.h"
#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using Clock = std::chrono::steady_clock;
using testing::HasSubstr;

class BeforeTheCommand : public testing::TestWithParam<std::tuple<Place, int>> {};

// Regression list: "TERM during pre-flight/warm-up aborts at once with a clear exit
// code", and the probe, which hangs in the driver here, does not stay.
TEST_P(BeforeTheCommand, AStopRequestEndsGpuinitAndItsProbe) {
  const auto [place, signal] = GetParam();
  Tree tree;
  tree.file("driver", "devices 1 9.0 85899345920 NVIDIA H100\nlinger-hang cuInit " +
                          tree.at("in").string() + "\n");
  // The pipes of MPS are where the probe's sandbox lets a driver write.
  RunOptions options = clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                              {"CUDA_FAKE_CONFIG", tree.at("driver")},
                              {"CUDA_MPS_PIPE_DIRECTORY", tree.root()},
                              {"ASAN_OPTIONS", "detect_leaks=0"}});
  // The probe is to be the only child.
  RunningProgram running(supervised(shell("echo ran"), {"gpu.required=yes", "warmup.pages=off"}),
                         options, place);
  for (int i = 0; i < 1000 && !std::filesystem::exists(tree.at("in")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(std::filesystem::exists(tree.at("in"))) << running.said();
  const auto children = running.children();
  ASSERT_EQ(children.size(), 1U);
  const auto start = Clock::now();
  running.send(signal);
  EXPECT_EQ(running.finish(), 128 + signal);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
  EXPECT_THAT(running.said(), testing::Not(HasSubstr("ran")));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  // An orphan that is not reaped on this machine may still be a zombie.
  const std::string state = status_line(children.front(), "State");
  EXPECT_TRUE(state.empty() || state.find('Z') != std::string::npos) << state;
  // The fake driver's own child heeds nothing; PID 1 has taken its along.
  pid_t lingering = 0;
  if (place == Place::kChild && std::ifstream(tree.at("in")) >> lingering && lingering > 1)
    ::kill(lingering, SIGKILL);
}

INSTANTIATE_TEST_SUITE_P(Signals, BeforeTheCommand,
                         testing::Combine(testing::Values(Place::kChild, Place::kPid1),
                                          testing::Values(SIGTERM, SIGINT)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param) == Place::kChild ? "Child"
                                                                                       : "Pid1") +
                                  (std::get<1>(test.param) == SIGTERM ? "Term" : "Int");
                         });

// A driver that takes its time, and no check whose failure would stop the launch.
std::vector<std::string> slow_checks() {
  std::vector<std::string> settings{"gpu.required=yes", "warmup.context=false"};
  for (const auto& check : checks::catalogue())
    settings.push_back("checks." + std::string(check.id) + "=warn");
  return settings;
}

std::vector<std::string> in_exec_mode(std::vector<std::string> command,
                                      const std::vector<std::string>& settings) {
  std::vector<std::string> words = supervised(std::move(command), settings);
  words.erase(words.begin() + 1);  // --supervise
  return words;
}

// The signal comes, blocked, before gpuinit's first instruction.
RunOptions with_pending(int signal) {
  RunOptions options = unchecked({{"GPUINIT", "off"}});
  options.in_child = [signal] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    ::kill(::getpid(), signal);
  };
  return options;
}

TEST(ExecMode, ASignalThatWasBlockedStaysPendingForTheCommand) {
  for (const Place place : {Place::kChild, Place::kPid1}) {
    RunningProgram running({GPUINIT_BINARY, "grep", "ShdPnd", "/proc/self/status"},
                           with_pending(SIGTERM), place);
    EXPECT_EQ(running.finish(), 0);
    EXPECT_EQ(running.said(), "ShdPnd:\t0000000000004000\n");
  }
}

// A signal in the first millisecond of exec mode either ends gpuinit with 128+n, or
// comes after exec, where it is the command's.
TEST(ExecMode, ASignalBeforeExecEndsGpuinit) {
  Tree tree;
  tree.file("driver", "devices 1 9.0 85899345920 NVIDIA H100\nslow cuInit 700\n");
  RunOptions options = clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                              {"CUDA_FAKE_CONFIG", tree.at("driver")},
                              {"ASAN_OPTIONS", "detect_leaks=0"}});
  for (const Place place : {Place::kChild, Place::kPid1}) {
    RunningProgram running(in_exec_mode(shell("echo ran"), slow_checks()), options, place);
    for (int i = 0; i < 1000 && running.children().empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    running.send(SIGUSR1);  // waits for the checks to end
    const int exit_code = running.finish();
    EXPECT_EQ(exit_code, 128 + SIGUSR1) << running.said();
    EXPECT_THAT(running.said(), testing::Not(HasSubstr("ran")));
  }
}

TEST(ExecMode, ASignalDuringChecksReachesTheSupervisedCommand) {
  Tree tree;
  tree.file("driver", "devices 1 9.0 85899345920 NVIDIA H100\nslow cuInit 700\n");
  RunOptions options = clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                              {"CUDA_FAKE_CONFIG", tree.at("driver")},
                              {"ASAN_OPTIONS", "detect_leaks=0"}});
  RunningProgram running(supervised({WITNESS_BINARY, "signals", "1"}, slow_checks()), options,
                         Place::kPid1);
  for (int i = 0; i < 1000 && running.children().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  running.send(SIGUSR1);
  // The command dies of it if it is not ready, or takes it: never lost.
  const int exit_code = running.finish();
  EXPECT_TRUE(exit_code == 128 + SIGUSR1 || exit_code == 0) << exit_code << running.said();
}

TEST(OtherVerbs, EndBySignalAsPid1) {
  Tree tree;
  tree.file("driver", "hang cuInit\n");
  RunningProgram running({GPUINIT_BINARY, "--check", "--set", "gpu.required=yes"},
                         clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                                {"CUDA_FAKE_CONFIG", tree.at("driver")},
                                {"ASAN_OPTIONS", "detect_leaks=0"}}),
                         Place::kPid1);
  for (int i = 0; i < 1000 && running.children().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(std::chrono::seconds(20)), 128 + SIGTERM);
}

}  // namespace
}  // namespace gpuinit::test
