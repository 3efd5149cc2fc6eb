// Which signals reach the command, and as what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program/odd_state.h"
#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

std::string line(int signal, int value = -1) {
  return "signal " + std::to_string(signal) + " value " + std::to_string(value) + "\n";
}

class EverySignal : public testing::TestWithParam<Place> {};

// Regression list: "all 64 signals under ASan".
TEST_P(EverySignal, ReachesTheCommandButThoseThatCannot) {
  constexpr int kForwarded = 64 - 3;
  RunningProgram running(
      supervised({WITNESS_BINARY, "signals", std::to_string(kForwarded)}, {"launch.grace=60"}),
      unchecked(), GetParam());
  ASSERT_TRUE(running.says("ready\n")) << running.said();
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD) continue;
    running.send(signal);
    // A stop signal discards a pending SIGCONT and the other way round.
    ASSERT_TRUE(running.says(line(signal))) << signal << "\n" << running.said();
  }
  EXPECT_EQ(running.finish(), 0);
  EXPECT_EQ(running.count("signal "), kForwarded);
}

INSTANTIATE_TEST_SUITE_P(Signals, EverySignal, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

TEST(Signals, KeepTheValueOfSigqueue) {
  RunningProgram running(supervised({WITNESS_BINARY, "signals", "2"}), unchecked());
  ASSERT_TRUE(running.says("ready\n"));
  ::sigqueue(running.pid(), SIGRTMIN + 1, sigval{.sival_int = 4711});
  ASSERT_TRUE(running.says(line(SIGRTMIN + 1, 4711))) << running.said();
  ::sigqueue(running.pid(), SIGUSR1, sigval{.sival_int = 5});
  EXPECT_TRUE(running.says(line(SIGUSR1, 5))) << running.said();
  EXPECT_EQ(running.finish(), 0);
}

TEST(Signals, AreRewrittenAndDropped) {
  RunningProgram running(
      supervised({WITNESS_BINARY, "signals", "3"},
                 {"launch.signals.SIGTERM=SIGINT", "launch.signals.SIGHUP=ignore",
                  "launch.signals.\"SIGRTMIN+3\"=SIGUSR2", "launch.grace=60"}),
      unchecked());
  ASSERT_TRUE(running.says("ready\n"));
  running.send(SIGHUP);
  running.send(SIGTERM);
  EXPECT_TRUE(running.says(line(SIGINT)));
  running.send(SIGRTMIN + 3);
  EXPECT_TRUE(running.says(line(SIGUSR2)));
  running.send(SIGUSR1);
  EXPECT_TRUE(running.says(line(SIGUSR1)));
  EXPECT_EQ(running.finish(), 0);
  EXPECT_EQ(running.count("signal "), 3) << running.said();
}

constexpr char kFamily[] =
    "(trap 'echo child; exit' USR1; echo child-ready; while :; do sleep 0.02; done) & "
    "trap 'echo parent; exit' USR1; echo parent-ready; while :; do sleep 0.02; done";

TEST(Signals, GoToTheCommandAlone) {
  RunningProgram running(supervised(shell(kFamily), {"launch.grace=0.2"}), unchecked());
  ASSERT_TRUE(running.says("child-ready") && running.says("parent-ready"));
  running.send(SIGUSR1);
  EXPECT_TRUE(running.says("parent\n"));
  EXPECT_EQ(running.finish(), 0);
  EXPECT_EQ(running.count("child\n"), 0) << running.said();
}

TEST(Signals, GoToItsGroupIfThePolicySaysSo) {
  std::string family = kFamily;
  family.replace(family.rfind("exit"), 4, "wait; exit 0");
  RunningProgram running(supervised(shell(family), {"launch.signal-target=group"}), unchecked());
  ASSERT_TRUE(running.says("child-ready") && running.says("parent-ready"));
  running.send(SIGUSR1);
  EXPECT_TRUE(running.says("parent\n"));
  EXPECT_TRUE(running.says("child\n"));
  EXPECT_EQ(running.finish(), 0);
}

// Of `worker`, which says "counted" at each, when gpuinit gets one. The shell that made it ends at
// once.
void expect_one_sigterm(const std::string& worker) {
  for (const Place place : {Place::kChild, Place::kPid1}) {
    RunningProgram running(supervised(shell(worker + " & trap 'exit 5' TERM; echo parent; wait"),
                                      {"launch.signal-target=group"}),
                           unchecked(), place);
    ASSERT_TRUE(running.says("worker\n") && running.says("parent\n")) << running.said();
    running.send(SIGTERM);
    EXPECT_EQ(running.finish(), 5);
    EXPECT_EQ(running.count("counted\n"), 1) << running.said();
  }
}

// The worker had it with its group; when the shell has ended, the others are asked to end.
TEST(Signals, AWorkerOfTheGroupGetsSigtermOnce) {
  expect_one_sigterm(
      "(trap 'echo counted' TERM; echo worker; for i in 1 2 3 4 5 6 7 8; do sleep 0.2; done)");
}

// One that has left the group has not had it.
TEST(Signals, AWorkerInASessionOfItsOwnGetsSigtermToo) {
  expect_one_sigterm(
      "setsid sh -c \"trap 'echo counted; exit' TERM; echo worker; while :; do sleep 0.02; done\"");
}

TEST(Signals, ReachACommandThatHasLeftItsGroup) {
  RunningProgram running(
      supervised({WITNESS_BINARY, "leave-group", "1"}, {"launch.signal-target=group"}),
      unchecked());
  ASSERT_TRUE(running.says("ready\n"));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  running.send(SIGUSR1);
  EXPECT_TRUE(running.says(line(SIGUSR1))) << running.said();
  EXPECT_EQ(running.finish(), 0);
}

// Regression list: "SIGCHLD inherited ignored": tini and catatonit hang for ever.
TEST(Signals, ASigchldThatWasInheritedIgnoredHangsNobody) {
  for (const Place place : {Place::kChild, Place::kPid1}) {
    RunOptions options = unchecked();
    options.in_child = [] { std::signal(SIGCHLD, SIG_IGN); };
    RunningProgram running(supervised({SHOW_STATE_BINARY}), options, place);
    EXPECT_EQ(running.finish(std::chrono::seconds(20)), 7);
    EXPECT_THAT(running.said(), HasSubstr("SigIgn:\t0000000000010000"))
        << "the command gets it back";
  }
}

// Regression list: "mask/disposition identity (SigBlk, SigIgn before = after)", files,
// directory, environment and arguments too.
TEST(Signals, MaskDispositionsFilesAndDirectoryAreThoseWeGot) {
  RunOptions options = unchecked({{"LISTEN_FDS", "1"}, {"ODD", "a=b\tc"}});
  options.directory = "/usr/lib";
  options.in_child = odd_state;
  const auto comparable = [](const std::string& text) {
    std::string result = text.substr(text.find('\n'));  // without the pid
    for (auto at = result.find("pipe:"); at != std::string::npos; at = result.find("pipe:", at + 1))
      result.erase(at, result.find('\n', at) - at);
    return result;
  };
  const Ran without = run_program({SHOW_STATE_BINARY, "a", "", "b c"}, options);
  const Ran with =
      supervise({SHOW_STATE_BINARY, "a", "", "b c"}, {"launch.postmortem=false"}, options);
  EXPECT_THAT(without.out, testing::ContainsRegex("fd 77 .* /etc/passwd"));
  EXPECT_EQ(comparable(with.out), comparable(without.out));
  EXPECT_EQ(with.exit_code, 7);
}

TEST(Signals, SocketActivationNamesTheCommand) {
  RunOptions options = unchecked({{"LISTEN_FDS", "1"}});
  const std::string run = "export LISTEN_PID=$$; exec \"$@\"";
  const Ran ours = run_program({"/bin/sh", "-c", run, "sh", GPUINIT_BINARY, "--supervise",
                                "/bin/sh", "-c", "test $LISTEN_PID = $$ && echo mine"},
                               options);
  EXPECT_EQ(ours.out, "mine\n");
  options.environment["LISTEN_PID"] = "1234567";
  EXPECT_EQ(supervise(shell("echo $LISTEN_PID"), {}, options).out, "1234567\n")
      << "not meant for us";
}

TEST(Signals, TheDeathOfTheParentIsASignal) {
  Tree tree;
  const std::string script = std::string(GPUINIT_BINARY) +
                             " --supervise --set launch.parent-death-signal=SIGTERM /bin/sh -c "
                             "'trap \"touch " +
                             tree.at("told").string() + "; exit\" TERM; touch " +
                             tree.at("up").string() +
                             "; while :; do sleep 0.02; done' & while ! test -e " +
                             tree.at("up").string() + "; do sleep 0.02; done; kill -9 $$";
  RunningProgram running(shell(script), unchecked());
  EXPECT_EQ(running.finish(), 128 + SIGKILL);
  for (int i = 0; i < 500 && !std::filesystem::exists(tree.at("told")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(std::filesystem::exists(tree.at("told")));
}

}  // namespace
}  // namespace gpuinit::test
