// gpuinit --supervise on a terminal: Ctrl-C, Ctrl-Z and who has the foreground.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

constexpr bool kTerminal = true;

class Terminal : public testing::TestWithParam<Place> {};

// Regression list: "Ctrl-C counted once".
TEST_P(Terminal, CtrlCReachesTheCommandOnce) {
  RunningProgram running(supervised({WITNESS_BINARY, "interrupted"}), unchecked(), GetParam(),
                         kTerminal);
  ASSERT_TRUE(running.says("ready"));
  running.type("\x03");
  EXPECT_TRUE(running.says("interrupts 1\r\n")) << running.said();
  EXPECT_EQ(running.finish(), 0);
}

// Regression list: "Ctrl-Z does not wedge the terminal". No shell is there to say `fg`.
TEST_P(Terminal, CtrlZWithoutAShellLetsTheCommandGoOn) {
  RunningProgram running(supervised(shell("echo ready; read line; echo read $line")), unchecked(),
                         GetParam(), kTerminal);
  ASSERT_TRUE(running.says("ready"));
  running.type("\x1a");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  running.type("hello\n");
  EXPECT_TRUE(running.says("read hello")) << running.said();
  EXPECT_EQ(running.finish(), 0);
}

TEST_P(Terminal, TheCommandMayReadAndChangeTheTerminal) {
  RunningProgram running(supervised(shell("stty -echo && echo ready; read line; echo got $line")),
                         unchecked(), GetParam(), kTerminal);
  ASSERT_TRUE(running.says("ready")) << running.said();
  running.type("secret\n");
  EXPECT_TRUE(running.says("got secret")) << running.said();
  EXPECT_EQ(running.finish(), 0);
}

INSTANTIATE_TEST_SUITE_P(Places, Terminal, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

// An interactive shell stops the job and can bring it back.
TEST(TerminalInAShell, CtrlZAndFg) {
  RunningProgram running({"/bin/bash", "--norc", "--noprofile", "-i"},
                         unchecked({{"PS1", "prompt:"}}), Place::kChild, kTerminal);
  ASSERT_TRUE(running.says("prompt:"));
  std::string command;
  for (const auto& word : supervised({"/bin/sh", "-c"})) command += word + " ";
  running.type(command + "'echo up-$((1+1)); read line; echo got-$line'\n");
  ASSERT_TRUE(running.says("up-2")) << running.said();
  running.type("\x1a");
  ASSERT_TRUE(running.says("Stopped")) << running.said();
  running.type("echo shell-$((2+2))\n");
  ASSERT_TRUE(running.says("shell-4")) << running.said();
  running.type("fg\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  running.type("word\n");
  EXPECT_TRUE(running.says("got-word")) << running.said();
  running.type("echo again-$((3+3)); exit\n");
  EXPECT_TRUE(running.says("again-6")) << running.said();
  EXPECT_EQ(running.finish(), 0);
}

TEST(TerminalInAShell, InTheBackgroundItLeavesTheForegroundAlone) {
  RunningProgram running({"/bin/bash", "--norc", "--noprofile", "-i"},
                         unchecked({{"PS1", "prompt:"}}), Place::kChild, kTerminal);
  ASSERT_TRUE(running.says("prompt:"));
  std::string command;
  for (const auto& word : supervised({"/bin/cat"})) command += word + " ";
  running.type(command + "&\n");
  // cat wants to read, which only the foreground may.
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  running.type("echo shell-$((2+2))\n");
  ASSERT_TRUE(running.says("shell-4")) << running.said();
  EXPECT_TRUE(running.says("Stopped")) << running.said();
  running.type("fg\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  running.type("line\n");
  EXPECT_TRUE(running.says("line\r\nline")) << running.said();
  running.type("\x04");
  running.type("echo again-$((3+3)); exit\n");
  EXPECT_TRUE(running.says("again-6")) << running.said();
  running.finish();
}

// In a background group that no shell looks after, reading cannot succeed: it must not
// wait for ever. Without gpuinit it is an error of read(2).
TEST(TerminalInAShell, AnOrphanedReaderInTheBackgroundEnds) {
  std::string command;
  for (const auto& word : supervised({"/bin/cat"})) command += word + " ";
  RunningProgram running({"/bin/bash", "-c",
                          "set -m; (sh -c 'sleep 0.5; " + command +
                              " </dev/tty; echo ended $?' &) & "
                              "set +m; sleep 3; echo leader"},
                         unchecked(), Place::kChild, kTerminal);
  EXPECT_TRUE(running.says("ended", 1, std::chrono::seconds(10))) << running.said();
  running.finish();
}

// A script that goes on after gpuinit must have its terminal back.
TEST(TerminalInAShell, TheForegroundComesBack) {
  RunningProgram running(
      shell(std::string(GPUINIT_BINARY) + " --supervise true; echo ready; read l; echo got $l"),
      unchecked(), Place::kChild, kTerminal);
  ASSERT_TRUE(running.says("ready"));
  running.type("word\n");
  EXPECT_TRUE(running.says("got word")) << running.said();
  EXPECT_EQ(running.finish(), 0);
}

}  // namespace
}  // namespace gpuinit::test
