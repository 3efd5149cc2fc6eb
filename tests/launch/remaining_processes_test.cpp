#include "launch/remaining_processes.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace gpuinit::launch {
namespace {

TEST(ParseStat, TakesANameWithBlanksAndParentheses) {
  const Process process = parse_stat("12 (a) b (c) S 7 12 12 0 -1");
  EXPECT_EQ(process.pid, 12);
  EXPECT_EQ(process.parent, 7);
  EXPECT_EQ(process.name, "a) b (c");
}

// proc(5): num_threads is the 20th field.
TEST(ParseStat, AZombieWithThreadsThatGoOnIsAlive) {
  const std::string before = "12 (a) Z 7 12 12 0 -1 4 0 0 0 0 0 0 0 0 20 0 ";
  EXPECT_EQ(parse_stat(before + "2 0 5").pid, 12);
  EXPECT_EQ(parse_stat(before + "1 0 5").pid, 0);
}

TEST(ParseStat, HidesWhatATerminalWouldObey) {
  EXPECT_EQ(parse_stat("12 (\x1b[2J) S 7 1").name, "\\x1b[2J");
}

TEST(ParseStat, ZombiesAndRubbishAreNoProcesses) {
  for (const char* line : {"12 (a) Z 7 12", "12 (a) X 7 12", "", "12", "12 (a", "12 (a) S",
                           "x (a) S 7", "12 (a) S x", ") ( ", " () S 1"})
    EXPECT_EQ(parse_stat(line).pid, 0) << line;
}

TEST(RemainingProcesses, AreOurDescendantsAndNobodyElse) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      ::setsid();
      for (;;) ::pause();
    }
    [[maybe_unused]] const auto n = ::write(ends[1], &grandchild, sizeof grandchild);
    for (;;) ::pause();
  }
  pid_t grandchild = 0;
  ASSERT_EQ(::read(ends[0], &grandchild, sizeof grandchild),
            static_cast<ssize_t>(sizeof grandchild));
  std::vector<pid_t> pids;
  for (const auto& process : remaining_processes()) pids.push_back(process.pid);
  std::sort(pids.begin(), pids.end());
  EXPECT_EQ(pids, (std::vector<pid_t>{std::min(child, grandchild), std::max(child, grandchild)}));
  ::kill(grandchild, SIGKILL);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(NamesOf, StopAtTen) {
  std::vector<Process> processes;
  EXPECT_EQ(names_of(processes), "");
  for (int pid = 1; pid <= 12; ++pid) processes.push_back({.pid = pid, .parent = 1, .name = "p"});
  const std::string names = names_of(processes);
  EXPECT_TRUE(names.starts_with("p (pid 1), p (pid 2), ")) << names;
  EXPECT_TRUE(names.ends_with("p (pid 10) and 2 more")) << names;
}

TEST(NamesOf, SayWhoMayNotBeSignalled) {
  EXPECT_EQ(names_of({{.pid = 3, .parent = 1, .refused = true, .name = "sudo"}}),
            "sudo (pid 3, of another user: refused)");
}

}  // namespace
}  // namespace gpuinit::launch
