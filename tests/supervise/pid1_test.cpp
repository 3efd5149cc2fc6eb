// The duties of PID 1: reap every process, lose nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

TEST(Pid1, ReapsTenThousandOrphansInABurst) {
  RunningProgram running(supervised({WITNESS_BINARY, "burst", "10000"}), unchecked(), Place::kPid1);
  EXPECT_EQ(running.finish(std::chrono::minutes(4)), 0);
  EXPECT_THAT(running.said(), HasSubstr("left 0\n"));
}

TEST(Pid1, ReapsTenThousandOrphansInATrickle) {
  RunningProgram running(supervised({WITNESS_BINARY, "trickle", "10000"}), unchecked(),
                         Place::kPid1);
  EXPECT_EQ(running.finish(std::chrono::minutes(4)), 0);
  EXPECT_THAT(running.said(), HasSubstr("left 0\n"));
}

TEST(Pid1, LosesNoneOfAThousandSignalsWhileChildrenDie) {
  RunningProgram running(supervised({WITNESS_BINARY, "flood", "1000"}), unchecked(), Place::kPid1);
  ASSERT_TRUE(running.says("ready\n"));
  for (int i = 0; i < 1000; ++i) running.send(SIGRTMIN + 5);
  EXPECT_EQ(running.finish(std::chrono::minutes(1)), 0);
  EXPECT_THAT(running.said(), HasSubstr("got 1000\n"));
}

TEST(Subreaper, ReapsOrphansWhenNotPid1) {
  RunningProgram running(
      supervised(shell("for i in 1 2 3 4 5 6 7 8 9; do (sh -c 'exit 1' &); done; sleep 0.5; "
                       "ps -o stat= --ppid $PPID | grep -c Z; true")),
      unchecked());
  EXPECT_EQ(running.finish(), 0);
  EXPECT_EQ(running.said(), "0\n");
}

// Regression list: "TERM at every 10 µs of start-up as PID 1 and not". A sanitizer's
// program starts through the dynamic loader, which comes before our first
// instruction: there only the ordinary child can be asked.
class EarlySignal : public testing::TestWithParam<const char*> {};

TEST_P(EarlySignal, IsNotLost) {
  const Ran ran = run_program(
      {EARLY_SIGNAL_BINARY, "400", "4000", GetParam(), GPUINIT_BINARY, "--supervise"}, unchecked());
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out,
              testing::AnyOf(HasSubstr("lost    0 of 400"), HasSubstr("lost    1 of 400")));
}

#if defined(__SANITIZE_ADDRESS__)
INSTANTIATE_TEST_SUITE_P(As, EarlySignal, testing::Values("child"));
#else
INSTANTIATE_TEST_SUITE_P(As, EarlySignal, testing::Values("child", "pid1"));
#endif

// Regression list: "works without /proc, read-only root, non-root".
TEST(Pid1, WorksWithoutProc) {
  RunningProgram running(supervised(shell("sleep 0.1 & exit 7")), unchecked(), Place::kBarePid1);
  EXPECT_EQ(running.finish(), 7);
}

TEST(Pid1, WorksOnAReadOnlyRootAndAsNobody) {
  RunOptions options = unchecked();
  options.in_child = [] {
    if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
      ::_exit(249);
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(248);
  };
  // As nobody we may not execute what lies in a private directory.
  Tree tree;
  std::filesystem::permissions(tree.root(), std::filesystem::perms::others_all,
                               std::filesystem::perm_options::add);
  std::filesystem::copy_file(GPUINIT_BINARY, tree.at("gpuinit"));
  std::vector<std::string> words =
      supervised(shell("id -u; touch /x 2>/dev/null && echo writable; (sleep 0.1 &); exit 7"));
  words[0] = tree.at("gpuinit");
  RunningProgram running(words, options, Place::kPid1);
  EXPECT_EQ(running.finish(), 7);
  EXPECT_THAT(running.said(), testing::StartsWith("65534\n"));
  EXPECT_THAT(running.said(), testing::Not(HasSubstr("writable")));
}

}  // namespace
}  // namespace gpuinit::test
