// What gpuinit may not do: signal another user's process, wait by waitid(2).
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include "seccomp/filter.h"
#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using Clock = std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

// As `docker run --cap-drop KILL`: root, whose own processes only may be signalled.
void drop_cap_kill() {
  ::prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct halves[2]{};
  ::syscall(SYS_capget, &header, halves);
  for (auto* set : {&halves[0].effective, &halves[0].permitted, &halves[0].inheritable})
    *set &= ~(1U << CAP_KILL);
  if (::syscall(SYS_capset, &header, halves) != 0) ::_exit(247);
}

RunOptions without_cap_kill() {
  RunOptions options = unchecked();
  options.in_child = drop_cap_kill;
  return options;
}

// The pattern of gosu: root starts, another user runs.
std::vector<std::string> as_nobody(const std::string& script) {
  return {"/usr/bin/setpriv",
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          "/bin/sh",
          "-c",
          script};
}

class AnotherUsersCommand : public testing::TestWithParam<Place> {};

TEST_P(AnotherUsersCommand, IsSaidNotToHaveHadTheSignal) {
  RunningProgram running(supervised(as_nobody("echo up; read x; sleep 30"), {"launch.grace=1"}),
                         without_cap_kill(), GetParam());
  ASSERT_TRUE(running.says("up\n")) << running.said();
  const auto start = Clock::now();
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(), 128 + SIGTERM);
  EXPECT_THAT(running.said(),
              HasSubstr("SIGTERM was not forwarded: the command is another user's"));
  EXPECT_THAT(running.said(), Not(HasSubstr("killed")));
  if (GetParam() == Place::kPid1) {
    EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(900));
    return;
  }
  EXPECT_THAT(running.said(), HasSubstr("left behind, since gpuinit lacks CAP_KILL: "));
}

TEST_P(AnotherUsersCommand, IsToldOfOnceAndItsEndIsAwaited) {
  RunningProgram running(supervised(as_nobody("echo up; sleep 0.7; exit 3"), {"launch.grace=60"}),
                         without_cap_kill(), GetParam());
  ASSERT_TRUE(running.says("up\n")) << running.said();
  for (int i = 0; i < 3; ++i) {
    running.send(SIGUSR1);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(running.finish(), 3);
  EXPECT_EQ(running.count("SIGUSR1 was not forwarded"), 1) << running.said();
}

TEST_P(AnotherUsersCommand, LeavesWorkersThatAreNotSaidToBeKilled) {
  RunningProgram running(supervised(as_nobody("sleep 30 & sleep 0.2; exit 3"), {"launch.grace=1"}),
                         without_cap_kill(), GetParam());
  const auto start = Clock::now();
  EXPECT_EQ(running.finish(), 3);
  EXPECT_THAT(running.said(), Not(HasSubstr("killed")));
  EXPECT_THAT(running.said(), HasSubstr("left behind, since gpuinit lacks CAP_KILL: sleep"));
  if (GetParam() == Place::kPid1) {
    EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(900));
  }
}

INSTANTIATE_TEST_SUITE_P(Places, AnotherUsersCommand, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

class WithoutWaitid : public testing::TestWithParam<std::tuple<Place, int>> {};

// A filter that denies it said that no child is left, and PID 1 ended.
TEST_P(WithoutWaitid, TheCommandIsAwaitedAllTheSame) {
  const auto [place, error] = GetParam();
  seccomp::Filter filter;
  filter.rules.push_back({"waitid", seccomp::Action::kError, error, {}});
  const auto program = seccomp::compile(filter);
  ASSERT_TRUE(program);
  RunOptions options = unchecked();
  options.in_child = [&] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (seccomp::install_or_errno(*program, 0) != 0) ::_exit(247);
  };
  RunningProgram running(
      supervised(shell("(sleep 0.4; echo tidy) & sleep 0.2; exit 3"), {"launch.grace=60"}), options,
      place);
  EXPECT_EQ(running.finish(), 3) << running.said();
  RunningProgram stopped(supervised(shell("echo up; exec sleep 30")), options, place);
  ASSERT_TRUE(stopped.says("up\n")) << stopped.said();
  stopped.send(SIGTERM);
  EXPECT_EQ(stopped.finish(), 128 + SIGTERM) << stopped.said();
}

INSTANTIATE_TEST_SUITE_P(Errors, WithoutWaitid,
                         testing::Combine(testing::Values(Place::kChild, Place::kPid1),
                                          testing::Values(EPERM, ENOSYS)));

}  // namespace
}  // namespace gpuinit::test
