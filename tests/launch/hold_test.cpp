#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "launch/driver_keepalive_hold.h"

namespace gpuinit::launch {
namespace {

using namespace std::chrono_literals;

TEST(IsGpuFile, AGpuAndNotWhatEveryClientOpens) {
  for (const char* path : {"/dev/nvidia0", "/dev/nvidia15", "/dev/dxg"})
    EXPECT_TRUE(is_gpu_file(path)) << path;
  for (const char* path : {"/dev/nvidiactl", "/dev/nvidia", "/dev/nvidia-uvm", "/dev/nvidia0a",
                           "/dev/nvidia-caps/nvidia-cap1", "/tmp/dev/nvidia0", "/dev/dxg1", "",
                           "/dev/nvidia0 (deleted)", "socket:[12]"})
    EXPECT_FALSE(is_gpu_file(path)) << path;
}

pid_t sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    for (;;) ::pause();
  }
  ::setpgid(pid, pid);
  return pid;
}

bool is_gone(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) < 0 && errno == ECHILD; }

siginfo_t end_of(pid_t pid) {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
  return info;
}

TEST(Hold, WithoutAProcessThereIsNothingToDo) {
  Hold hold({});
  EXPECT_FALSE(hold.next_look());
  hold.look();
  hold.end();
  EXPECT_FALSE(hold.patience());
  siginfo_t info{};
  EXPECT_FALSE(hold.reaped(info));
}

// Its number may be anybody's by now.
TEST(Hold, WhoIsNoChildOfOursIsLeftAlone) {
  Hold hold({.pid = ::getppid(), .time = 0ms});
  EXPECT_EQ(hold.pid(), -1);
  EXPECT_FALSE(hold.next_look());
}

TEST(Hold, EndsItWhenItsTimeIsOver) {
  const pid_t pid = sleeper();
  Hold hold({.pid = pid, .time = 0ms});
  ASSERT_TRUE(hold.next_look());
  hold.look();
  EXPECT_FALSE(hold.next_look()) << "nobody wakes up for it any more";
  EXPECT_TRUE(hold.patience());
  const siginfo_t end = end_of(pid);
  EXPECT_EQ(end.si_status, SIGKILL);
  EXPECT_TRUE(hold.reaped(end));
  EXPECT_FALSE(hold.reaped(end));
  EXPECT_EQ(hold.pid(), -1);
  EXPECT_FALSE(hold.was_killed());
}

TEST(Hold, StaysWhileNobodyHasAGpuOpen) {
  const pid_t pid = sleeper();
  {
    Hold hold({.pid = pid, .time = 1h});
    hold.look();
    EXPECT_TRUE(hold.next_look());
    EXPECT_FALSE(hold.patience());
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_TRUE(is_gone(pid)) << "and not longer than its owner";
}

TEST(Hold, KnowsWhenSomebodyElseKilledIt) {
  const pid_t pid = sleeper();
  Hold hold({.pid = pid, .time = 1h});
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(hold.reaped(end_of(pid)));
  EXPECT_TRUE(hold.was_killed());
  EXPECT_FALSE(hold.next_look());
}

TEST(Hold, AStopIsNotItsEnd) {
  const pid_t pid = sleeper();
  Hold hold({.pid = pid, .time = 1h});
  ::kill(pid, SIGSTOP);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED), 0);
  EXPECT_TRUE(hold.reaped(info));
  EXPECT_EQ(hold.pid(), pid);
}

}  // namespace
}  // namespace gpuinit::launch
