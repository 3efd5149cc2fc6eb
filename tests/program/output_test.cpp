// What gpuinit says never holds up the command, and is never lost without a word.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// Every verb that prints on standard output.
const std::vector<std::vector<std::string>> kPrinting = {
    {"--help"},
    {"--version"},
    {"--explain"},
    {"--explain", "exit-codes"},
    {"--explain", "python.abi"},
    {"--explain", "--format", "json"},
    {"--explain", "exit-codes", "--format", "json"},
    {"--explain", "python.abi", "--format", "json"},
    {"--explain", "65"},
    {"--explain", "policy"},
    {"--explain", "gpu.count", "--format", "json"},
    {"--print-policy"},
    {"--print-policy", "--changed"},
    {"--print-policy", "--format", "json"},
    {"--facts"},
    {"--check", "--format", "json"}};

TEST(Output, AReportThatCannotBeWrittenIsAnError) {
  for (const auto& words : kPrinting) {
    RunOptions options = clean();
    options.in_child = [] { ::close(STDOUT_FILENO); };
    const Ran closed = gpuinit(words, options);
    EXPECT_EQ(closed.exit_code, 64) << testing::PrintToString(words);
    EXPECT_THAT(closed.err, HasSubstr("writing the report: Bad file descriptor"));
    options.in_child = [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); };
    const Ran full = gpuinit(words, options);
    EXPECT_EQ(full.exit_code, 75) << testing::PrintToString(words);
    EXPECT_THAT(full.err, HasSubstr("writing the report: No space left on device"));
  }
}

TEST(Output, ASealThatCannotBeWrittenIsAnError) {
  const Ran ran = gpuinit({"--seal", "/proc/none/seal", "--no-run", "--", "/bin/true"});
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_THAT(ran.err, testing::StartsWith("gpuinit: --seal: "));
}

// Standard error that somebody else has open too, and that takes no more at some point.
class StalledOutput : public testing::Test {
 protected:
  ~StalledOutput() override {
    stop_ = true;
    if (reader_.joinable()) reader_.join();
    for (const int fd : ends_)
      if (fd >= 0) ::close(fd);
  }

  // How long it took until the command ran, with a large report before: `times` 100 KB.
  double seconds_until_the_command_runs(std::size_t times = 4) {
    const int flags = ::fcntl(ends_[1], F_GETFL);
    RunOptions options = clean();
    options.timeout = std::chrono::seconds(20);
    options.in_child = [this] { ::dup2(ends_[1], STDERR_FILENO); };
    // The name of an option: a value would not be in the report.
    const std::string large = "--" + std::string(100'000, 'x');
    const auto start = Clock::now();
    std::vector<std::string> words{"--format", "json", "--", "/bin/sh", "-c", "echo it runs", "sh"};
    words.insert(words.end(), times, large);
    const Ran ran = gpuinit(words, options);
    const std::chrono::duration<double> took = Clock::now() - start;
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_EQ(ran.out, "it runs\n");
    EXPECT_EQ(::fcntl(ends_[1], F_GETFL), flags) << "the open file is others' too";
    return took.count();
  }

  // Never stalls for as long as the patience, and would take minutes for all of it.
  void read_slowly() {
    reader_ = std::thread([this] {
      for (char page[4096]; !stop_ && ::read(ends_[0], page, sizeof page) > 0;)
        std::this_thread::sleep_for(std::chrono::seconds(1));
    });
  }

  int ends_[2] = {-1, -1};  // the reader's and the writer's
  std::atomic<bool> stop_ = false;
  std::thread reader_;
};

constexpr double kAtMost = 4;  // seconds; the patience is 2

// With less room at its end than a write needs, it blocks though it is called writable.
TEST_F(StalledOutput, ATerminalThatNobodyReads) {
  ASSERT_EQ(::openpty(&ends_[0], &ends_[1], nullptr, nullptr, nullptr), 0);
  EXPECT_LT(seconds_until_the_command_runs(1), kAtMost);
}

// Of another user, so that it cannot be opened once more.
TEST_F(StalledOutput, ATerminalOfAnotherUser) {
  ASSERT_EQ(::openpty(&ends_[0], &ends_[1], nullptr, nullptr, nullptr), 0);
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::fchmod(ends_[1], 0600), 0);
  RunOptions options = clean();
  options.timeout = std::chrono::seconds(20);
  options.in_child = [this] {
    ::dup2(ends_[1], STDERR_FILENO);
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(249);
  };
  // The name of an option: a value would not be in the report.
  const std::string large = "--" + std::string(100'000, 'x');
  const auto start = Clock::now();
  const Ran ran = gpuinit({"--format", "json", "--", "/bin/echo", large}, options);
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), kAtMost);
}

TEST_F(StalledOutput, AStoppedTerminal) {
  ASSERT_EQ(::openpty(&ends_[0], &ends_[1], nullptr, nullptr, nullptr), 0);
  ASSERT_EQ(::tcflow(ends_[1], TCOOFF), 0);
  EXPECT_LT(seconds_until_the_command_runs(), kAtMost);
}

TEST_F(StalledOutput, APipeThatIsReadSlowly) {
  ASSERT_EQ(::pipe(ends_), 0);
  read_slowly();
  EXPECT_LT(seconds_until_the_command_runs(), kAtMost);
  stop_ = true;
}

TEST_F(StalledOutput, AFullFifo) {
  const Tree tree;
  ASSERT_EQ(::mkfifo(tree.at("fifo").c_str(), 0600), 0);
  ends_[0] = ::open(tree.at("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  ends_[1] = ::open(tree.at("fifo").c_str(), O_WRONLY);
  ASSERT_GE(ends_[1], 0);
  EXPECT_LT(seconds_until_the_command_runs(), kAtMost);
}

TEST_F(StalledOutput, ASocketThatNobodyReads) {
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0);
  EXPECT_LT(seconds_until_the_command_runs(), kAtMost);
}

// What was dropped is said where it is missing, as soon as somebody reads.
TEST_F(StalledOutput, WhatWasDroppedIsSaid) {
  ASSERT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
  const Tree tree;
  const std::string runs = tree.at("runs");
  std::string said;
  reader_ = std::thread([&] {
    while (::access(runs.c_str(), F_OK) != 0 && !stop_)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    char piece[65536];
    for (ssize_t got = 0; (got = ::read(ends_[0], piece, sizeof piece)) > 0;)
      said.append(piece, static_cast<std::size_t>(got));
  });
  RunOptions options = clean();
  options.in_child = [this] { ::dup2(ends_[1], STDERR_FILENO); };
  const Ran ran = gpuinit({"--supervise", "--format", "json", "--", "/bin/sh", "-c",
                           ": >\"$0\"; sleep 1; exit 3", runs, std::string(100'000, 'x')},
                          options);
  EXPECT_EQ(ran.exit_code, 3);
  ::close(ends_[1]);
  ends_[1] = -1;
  reader_.join();
  EXPECT_THAT(said, testing::ContainsRegex("gpuinit: [0-9]+ bytes were dropped here: nothing read "
                                           "standard error\ngpuinit: the command exited with 3"));
}

}  // namespace
}  // namespace gpuinit::test
