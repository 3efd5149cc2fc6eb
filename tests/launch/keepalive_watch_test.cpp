#include "launch/keepalive_watch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/helper_process.h"

namespace gpuinit::launch {
namespace {

using namespace std::chrono_literals;

pid_t sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    for (;;) ::pause();
  }
  ::setpgid(pid, pid);
  base::add_spare(pid);
  return pid;
}

bool is_gone(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) < 0 && errno == ECHILD; }

siginfo_t end_of(pid_t pid) {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
  return info;
}

TEST(KeepaliveWatch, WithoutAProcessThereIsNothingToDo) {
  KeepaliveWatch watch(-1, 1h);
  EXPECT_FALSE(watch.next_check());
  watch.check();
  watch.end();
  EXPECT_FALSE(watch.abandon_at());
  siginfo_t info{};
  EXPECT_FALSE(watch.reaped(info));
}

// Its number may be anybody's by now.
TEST(KeepaliveWatch, WhoIsNoChildOfOursIsLeftAlone) {
  KeepaliveWatch watch(::getppid(), 0ms);
  EXPECT_EQ(watch.pid(), -1);
  EXPECT_FALSE(watch.next_check());
}

TEST(KeepaliveWatch, EndsItWhenItsTimeIsOver) {
  const pid_t pid = sleeper();
  KeepaliveWatch watch(pid, 0ms);
  ASSERT_TRUE(watch.next_check());
  watch.check();
  EXPECT_FALSE(watch.next_check()) << "no more wakeups for it";
  EXPECT_TRUE(watch.abandon_at());
  const siginfo_t end = end_of(pid);
  EXPECT_EQ(end.si_status, SIGKILL);
  EXPECT_TRUE(watch.reaped(end));
  EXPECT_FALSE(watch.reaped(end));
  EXPECT_EQ(watch.pid(), -1);
  EXPECT_FALSE(watch.killed_by_other());
}

TEST(KeepaliveWatch, StaysWhileNobodyHasAGpuOpen) {
  const pid_t pid = sleeper();
  {
    KeepaliveWatch watch(pid, 1h);
    watch.check();
    EXPECT_TRUE(watch.next_check());
    EXPECT_FALSE(watch.abandon_at());
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_TRUE(is_gone(pid)) << "and not longer than its owner";
}

TEST(KeepaliveWatch, KnowsWhenSomebodyElseKilledIt) {
  const pid_t pid = sleeper();
  KeepaliveWatch watch(pid, 1h);
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(watch.reaped(end_of(pid)));
  EXPECT_TRUE(watch.killed_by_other());
  EXPECT_FALSE(watch.next_check());
}

TEST(KeepaliveWatch, AStopIsNotItsEnd) {
  const pid_t pid = sleeper();
  KeepaliveWatch watch(pid, 1h);
  ::kill(pid, SIGSTOP);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED), 0);
  EXPECT_TRUE(watch.reaped(info));
  EXPECT_EQ(watch.pid(), pid);
}

}  // namespace
}  // namespace gpuinit::launch
