// The driver is kept awake for the command: how long, and that it does not show otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include <algorithm>

#include "checks/run_checks.h"
#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

// gpuinit beside a driver that works and opens its device, with device files that are none
// but have their names: a private /dev.
class DriverKeepalive : public testing::TestWithParam<Place> {
 protected:
  DriverKeepalive() {
    tree_.file("driver", "devices 2 9.0 85899345920 NVIDIA H100\nopen cuInit /dev/nvidia0\n");
    for (const char* device : {"null", "nvidia0", "nvidiactl"})
      tree_.file(std::string("dev/") + device, "");
    for (const auto& check : checks::catalogue())
      settings_.push_back("checks." + std::string(check.id) + "=off");
    settings_.emplace_back("gpu.required=yes");
    settings_.emplace_back("warmup.pages=off");  // its processes would be counted
  }

  RunOptions options() {
    RunOptions options = clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                                {"CUDA_FAKE_CONFIG", tree_.at("driver")},
                                {"ASAN_OPTIONS", "detect_leaks=0"},
                                {"DIR", tree_.root()}});
    options.in_child = [devices = tree_.at("dev").string()] {
      if (::unshare(CLONE_NEWNS) != 0 ||
          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("/dev/null", (devices + "/null").c_str(), nullptr, MS_BIND, nullptr) != 0 ||
          ::mount(devices.c_str(), "/dev", nullptr, MS_BIND | MS_REC, nullptr) != 0)
        ::_exit(252);
    };
    return options;
  }

  std::unique_ptr<RunningProgram> start(const std::string& script,
                                        std::vector<std::string> more = {}) {
    more.insert(more.begin(), settings_.begin(), settings_.end());
    return std::make_unique<RunningProgram>(supervised(shell(script), more), options(), GetParam());
  }

  // The command and, if there is one, the probe.
  static bool has_children(const RunningProgram& running, std::size_t count,
                           std::chrono::milliseconds within = 10s) {
    const auto deadline = Clock::now() + within;
    while (running.children().size() != count) {
      if (Clock::now() >= deadline) return false;
      std::this_thread::sleep_for(10ms);
    }
    return true;
  }

  Tree tree_;
  std::vector<std::string> settings_;
};

TEST_P(DriverKeepalive, LastsUntilTheCommandHasAGpuOpen) {
  const auto running = start(
      "exec 4</dev/nvidiactl; echo up; until [ -e $DIR/go ]; do sleep 0.05; done\n"
      "exec 5</dev/nvidia0; echo open; exec sleep 100");
  ASSERT_TRUE(running->says("up\n")) << running->said();
  std::this_thread::sleep_for(1500ms);
  EXPECT_GE(running->children().size(), 2U) << "nvidiactl alone keeps no GPU awake";
  tree_.file("go", "");
  ASSERT_TRUE(running->says("open\n"));
  EXPECT_TRUE(has_children(*running, 1));
  // Regression list: "0 idle wakeups".
  std::this_thread::sleep_for(1s);
  const auto switches = [&] {
    return status_line(running->pid(), "voluntary_ctxt_switches") +
           status_line(running->pid(), "nonvoluntary_ctxt_switches");
  };
  const std::string before = switches();
  std::this_thread::sleep_for(2s);
  EXPECT_EQ(switches(), before);
  EXPECT_THAT(running->said(), Not(HasSubstr("left behind")));
}

TEST_P(DriverKeepalive, AGrandchildCountsToo) {
  const auto running = start("(sleep 0.3; exec 5</dev/nvidia0; sleep 100) & echo up; wait");
  ASSERT_TRUE(running->says("up\n")) << running->said();
  EXPECT_TRUE(has_children(*running, 2));
  EXPECT_TRUE(has_children(*running, 1));
}

TEST_P(DriverKeepalive, LastsNoLongerThanThePolicySays) {
  const auto running = start("echo up; exec sleep 100", {"warmup.hold=0.8"});
  ASSERT_TRUE(running->says("up\n")) << running->said();
  EXPECT_TRUE(has_children(*running, 2));
  EXPECT_TRUE(has_children(*running, 1));
  running->send(SIGTERM);
  EXPECT_EQ(running->finish(), 143);
}

TEST_P(DriverKeepalive, ThereIsNoneIfThePolicySaysSo) {
  const auto running = start("echo up; exec sleep 100", {"warmup.hold=0"});
  ASSERT_TRUE(running->says("up\n")) << running->said();
  EXPECT_TRUE(has_children(*running, 1, 1s));
}

TEST_P(DriverKeepalive, ThereIsNoneWithoutADevice) {
  tree_.file("driver", "devices 0\n");
  const auto running = start("echo up; exec sleep 100");
  ASSERT_TRUE(running->says("up\n")) << running->said();
  EXPECT_TRUE(has_children(*running, 1, 1s));
}

TEST_P(DriverKeepalive, DoesNotDelayTheEndAndIsNotSpokenOf) {
  for (const int status : {0, 3}) {
    const auto running = start("echo up; sleep 0.2; exit " + std::to_string(status));
    ASSERT_TRUE(running->says("up\n")) << running->said();
    const auto begin = Clock::now();
    EXPECT_EQ(running->finish(), status);
    EXPECT_LT(Clock::now() - begin, 5s) << "launch.grace is 8 s";
    EXPECT_THAT(running->said(), Not(HasSubstr("killed")));
    EXPECT_THAT(running->said(), Not(HasSubstr("left behind")));
  }
}

// A driver that takes its time, or for ever, to let go of a process that was killed: here a
// tracer that keeps it from going.
TEST_P(DriverKeepalive, ThatDoesNotGoIsNotWaitedFor) {
  const auto running = start("echo up; until [ -e $DIR/go ]; do sleep 0.05; done; exit 3",
                             {"launch.postmortem=false"});
  ASSERT_TRUE(running->says("up\n")) << running->said();
  ASSERT_TRUE(has_children(*running, 2));
  const pid_t probe = running->children().front();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, probe, nullptr, PTRACE_O_TRACEEXIT), 0);
  tree_.file("go", "");
  const auto begin = Clock::now();
  // The kernel does not let PID 1 go before every other process has gone.
  if (GetParam() == Place::kPid1) std::this_thread::sleep_for(1500ms);
  if (GetParam() == Place::kPid1) ::ptrace(PTRACE_DETACH, probe, nullptr, nullptr);
  EXPECT_EQ(running->finish(), 3);
  EXPECT_LT(Clock::now() - begin, 5s) << "launch.grace is 8 s";
  EXPECT_THAT(running->said(), Not(HasSubstr("killed")));
  EXPECT_THAT(running->said(), Not(HasSubstr("left behind")));
  ::ptrace(PTRACE_DETACH, probe, nullptr, nullptr);
}

TEST_P(DriverKeepalive, EndsWithTheDraining) {
  const auto running =
      start("trap 'echo asked' TERM; echo up; while [ -e $DIR/driver ]; do sleep 0.05; done",
            {"launch.grace=3"});
  ASSERT_TRUE(running->says("up\n")) << running->said();
  const auto before = running->children();
  ASSERT_GE(before.size(), 2U);
  running->send(SIGTERM);
  ASSERT_TRUE(running->says("asked\n"));
  const pid_t probe = before.front();
  for (int i = 0; i < 200 && !status_line(probe, "State").empty(); ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(status_line(probe, "State"), "") << "the command is still there";
  EXPECT_EQ(running->finish(), 128 + SIGKILL);
  EXPECT_THAT(running->said(), HasSubstr("killed the command"));
  EXPECT_THAT(running->said(), Not(HasSubstr("killed what")));
}

TEST_P(DriverKeepalive, GetsNoneOfTheCommandsSignals) {
  for (const char* target : {"process", "group"}) {
    const auto running =
        start("trap 'echo got it' USR1; echo up; while [ -e $DIR/driver ]; do sleep 0.05; done",
              {std::string("launch.signal-target=") + target});
    ASSERT_TRUE(running->says("up\n")) << running->said();
    running->send(SIGUSR1);
    ASSERT_TRUE(running->says("got it\n"));
    std::this_thread::sleep_for(100ms);
    const auto children = running->children();
    EXPECT_GE(children.size(), 2U) << "by default it would die of it";
    running->send(SIGKILL);
  }
}

TEST_P(DriverKeepalive, MayBeKilledByAnybodyWithoutAWord) {
  const auto running = start("echo up; until [ -e $DIR/go ]; do sleep 0.05; done");
  ASSERT_TRUE(running->says("up\n")) << running->said();
  ASSERT_TRUE(has_children(*running, 2));
  ::kill(running->children().front(), SIGKILL);
  EXPECT_TRUE(has_children(*running, 1));
  tree_.file("go", "");
  EXPECT_EQ(running->finish(), 0);
  EXPECT_THAT(running->said(), Not(HasSubstr("killed")));
}

// In exec mode there would be no gpuinit to end it.
TEST_P(DriverKeepalive, InExecModeTheProbeIsGoneBeforeTheCommand) {
  RunOptions with_ignored = options();
  with_ignored.in_child = [mounts = with_ignored.in_child] {
    mounts();
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGCHLD, &ignore, nullptr);
  };
  const auto become = [&](std::vector<std::string> command) {
    std::vector<std::string> words = supervised(std::move(command), settings_);
    words.erase(words.begin() + 1);  // --supervise
    RunningProgram running(words, with_ignored, GetParam());
    EXPECT_EQ(running.finish(), 0);
    return running.said();
  };
  EXPECT_THAT(become(shell("read all </proc/$$/task/$$/children; echo \"children: $all.\"")),
              HasSubstr("children: .\n"));
  // Not by a shell: it takes SIGCHLD for itself.
  EXPECT_THAT(become({"grep", "SigIgn", "/proc/self/status"}),
              HasSubstr("SigIgn:\t0000000000010000\n"));
}

INSTANTIATE_TEST_SUITE_P(Places, DriverKeepalive, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

}  // namespace
}  // namespace gpuinit::test
