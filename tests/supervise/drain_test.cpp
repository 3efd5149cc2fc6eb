// What becomes of the other processes when the command ends or is asked to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using Clock = std::chrono::steady_clock;
using testing::HasSubstr;

class Drain : public testing::TestWithParam<Place> {};

constexpr char kTidyWorker[] =
    "(trap 'echo asked; sleep 0.3; echo tidy; exit' TERM; echo worker; while :; do sleep 0.02; "
    "done) & ";
// It does not end by SIGTERM, nor does its sleep.
constexpr char kStubbornWorker[] = "(trap '' TERM; echo worker; sleep 100) & ";

// Regression list: "drain: worker with TERM trap finishes within grace".
TEST_P(Drain, AWorkerMayCleanUpWhenTheCommandEnds) {
  RunningProgram running(supervised(shell(std::string(kTidyWorker) + "sleep 0.3; exit 3")),
                         unchecked(), GetParam());
  EXPECT_EQ(running.finish(), 3);
  EXPECT_THAT(running.said(), HasSubstr("tidy\n"));
  EXPECT_THAT(running.said(), testing::Not(HasSubstr("killed")));
}

TEST_P(Drain, AWorkerMayCleanUpWhenTheCommandIsToldToStop) {
  RunningProgram running(supervised(shell(std::string(kTidyWorker) + "exec sleep 100")),
                         unchecked(), GetParam());
  ASSERT_TRUE(running.says("worker\n"));
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(), 128 + SIGTERM);
  EXPECT_THAT(running.said(), HasSubstr("tidy\n"));
}

// Regression list: "stubborn worker KILLed at the deadline".
TEST_P(Drain, AStubbornWorkerIsKilledAtTheDeadlineAndNamed) {
  RunningProgram running(
      supervised(shell(std::string(kStubbornWorker) + "sleep 0.3; exit 3"), {"launch.grace=0.7"}),
      unchecked(), GetParam());
  const auto start = Clock::now();
  EXPECT_EQ(running.finish(), 3);
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(900));
  EXPECT_LE(Clock::now() - start, std::chrono::seconds(8));
  EXPECT_THAT(running.said(),
              testing::ContainsRegex("killed what was still there 0.7 s.*sleep \\(pid [0-9]+\\)"));
}

TEST_P(Drain, AStubbornCommandIsKilledAtTheDeadlineAfterSigterm) {
  RunningProgram running(
      supervised(shell("trap '' TERM; echo up; sleep 100"), {"launch.grace=0.5"}), unchecked(),
      GetParam());
  ASSERT_TRUE(running.says("up\n"));
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(), 128 + SIGKILL);
  EXPECT_THAT(running.said(),
              testing::ContainsRegex("killed the command \\(pid [0-9]+\\), still there 0.5 s"));
}

// Regression list: "setsid'ed worker as PID 1 gets TERM". As a subreaper too.
TEST_P(Drain, AWorkerInASessionOfItsOwnIsReached) {
  Tree tree;
  RunningProgram running(supervised({WITNESS_BINARY, "daemon", tree.at("done")}), unchecked(),
                         GetParam());
  EXPECT_EQ(running.finish(), 5);
  EXPECT_TRUE(std::filesystem::exists(tree.at("done")));
}

TEST_P(Drain, AStoppedWorkerIsWokenToHearOfIt) {
  RunningProgram running(supervised(shell("(trap 'echo tidy; exit' TERM; kill -STOP $(exec sh -c "
                                          "'echo $PPID'); sleep 5) & sleep 0.4")),
                         unchecked(), GetParam());
  EXPECT_EQ(running.finish(), 0);
  EXPECT_THAT(running.said(), HasSubstr("tidy\n"));
}

// It would be killed without having been asked to end.
TEST_P(Drain, AWorkerIsToldBeforeItIsKilledThoughTheCommandHeedsNothing) {
  RunningProgram running(
      supervised(shell(std::string(kTidyWorker) + "trap '' TERM; echo up; sleep 100"),
                 {"launch.grace=0.9"}),
      unchecked(), GetParam());
  ASSERT_TRUE(running.says("worker\n") && running.says("up\n"));
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(), 128 + SIGKILL);
  EXPECT_THAT(running.said(), HasSubstr("tidy\n"));
}

TEST_P(Drain, AStopOfTheTerminalDoesNotHoldTheWorkers) {
  RunningProgram running(
      supervised(shell(std::string(kTidyWorker) + "sleep 0.2; exit 3"), {"launch.grace=60"}),
      unchecked(), GetParam());
  ASSERT_TRUE(running.says("asked\n"));
  running.send(SIGTSTP);
  EXPECT_EQ(running.finish(), 3);
  EXPECT_THAT(running.said(), HasSubstr("tidy\n"));
}

// A leader that has ended looks like a zombie in /proc; only gpuinit as PID 1 could
// do without looking.
TEST_P(Drain, AProcessWhoseFirstThreadHasEndedIsReached) {
  Tree tree;
  RunningProgram running(
      supervised({WITNESS_BINARY, "headless", tree.at("done")}, {"launch.grace=60"}), unchecked(),
      GetParam());
  EXPECT_EQ(running.finish(), 5) << running.said();
  EXPECT_TRUE(std::filesystem::exists(tree.at("done")));
}

TEST_P(Drain, NobodyReadingItsWordsHoldsNothingUp) {
  int full[2];
  ASSERT_EQ(::pipe(full), 0);
  ::fcntl(full[1], F_SETFL, O_NONBLOCK);
  const std::string piece(4096, 'x');
  while (::write(full[1], piece.data(), piece.size()) > 0) {
  }
  ::fcntl(full[1], F_SETFL, 0);
  RunOptions options = unchecked();
  options.in_child = [&] { ::dup2(full[1], 2); };
  RunningProgram running(
      supervised(shell(std::string(kStubbornWorker) + "sleep 0.2; exit 3"), {"launch.grace=0.3"}),
      options, GetParam());
  EXPECT_EQ(running.finish(std::chrono::seconds(15)), 3);
  ::close(full[0]);
  ::close(full[1]);
}

TEST_P(Drain, NobodyLeftIsTheEndAtOnce) {
  RunningProgram running(supervised(shell("sleep 0.1 & wait; exit 2"), {"launch.grace=60"}),
                         unchecked(), GetParam());
  EXPECT_EQ(running.finish(), 2) << "30 s are less than the grace";
}

INSTANTIATE_TEST_SUITE_P(Places, Drain, testing::Values(Place::kChild, Place::kPid1),
                         [](const auto& test) {
                           return test.param == Place::kChild ? "Child" : "Pid1";
                         });

// They get nearly all of the one processor that gpuinit has as well.
TEST(DrainInAStorm, OrphansThatDieFasterThanTheyAreReapedHoldNoDeadlineUp) {
  RunOptions options = unchecked();
  options.in_child = [] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    ::sched_setaffinity(0, sizeof one, &one);
  };
  RunningProgram running(supervised({WITNESS_BINARY, "storm", "16"}, {"launch.grace=0.5"}), options,
                         Place::kPid1);
  ASSERT_TRUE(running.says("ready\n"));
  std::this_thread::sleep_for(std::chrono::seconds(2));
  running.send(SIGTERM);
  // By themselves the orphans' makers end after 100 s. On a busy machine gpuinit, which they
  // leave a hundredth of one CPU, has taken 25 s.
  EXPECT_EQ(running.finish(std::chrono::seconds(80)), 128 + SIGKILL) << running.said();
}

// Its status belongs to the tracer, which does not take it.
TEST(DrainOfATracedCommand, EndsAllTheSame) {
  RunningProgram running(
      supervised({"/bin/sleep", "100"}, {"launch.grace=0.2", "launch.follow=off"}), unchecked());
  for (int i = 0; i < 500 && running.children().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_EQ(running.children().size(), 1U);
  const pid_t command = running.children().front();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, command, nullptr, nullptr), 0);
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(std::chrono::seconds(15)), 128 + SIGKILL) << running.said();
  EXPECT_THAT(running.said(), HasSubstr("left behind, since SIGKILL has not ended it"));
  ::waitpid(command, nullptr, __WALL);
}

TEST(DrainWithoutProc, PidOneReachesEverybody) {
  RunningProgram running(
      supervised(shell(std::string(kTidyWorker) + kStubbornWorker + "sleep 0.3; exit 3"),
                 {"launch.grace=1"}),
      unchecked(), Place::kBarePid1);
  EXPECT_EQ(running.finish(), 3);
  EXPECT_THAT(running.said(), HasSubstr("tidy\n"));
  EXPECT_THAT(running.said(), HasSubstr("killed what was still there"));
}

}  // namespace
}  // namespace gpuinit::test
