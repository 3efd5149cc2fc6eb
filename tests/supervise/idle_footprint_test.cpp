// What gpuinit keeps while the command runs: next to nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

std::map<int, std::string> open_files(pid_t pid) {
  std::map<int, std::string> files;
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    files[std::stoi(entry.path().filename())] = std::filesystem::read_symlink(entry.path(), error);
  return files;
}

// Regression list: "inherited fds closed in the init, kept in the child", "cwd".
TEST(IdleFootprint, KeepsNoFilesAndNoDirectoryButTheCommandDoes) {
  RunOptions options = unchecked();
  options.directory = "/usr/lib";
  options.in_child = [] {
    const int file = ::open("/etc/passwd", O_RDONLY);
    ::dup2(file, 77);
    ::dup2(file, 900);
    ::close(file);
  };
  RunningProgram running(supervised(shell("echo up; sleep 100")), options);
  ASSERT_TRUE(running.says("up\n"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::string own = "/proc/" + std::to_string(running.pid());
  const auto ours = open_files(running.pid());
  EXPECT_EQ(ours.size(), 3U);
  EXPECT_EQ(ours.at(0), "/dev/null");
  EXPECT_EQ(ours.at(1), "/dev/null");
  EXPECT_EQ(std::filesystem::read_symlink(own + "/cwd"), "/");
  ASSERT_EQ(running.children().size(), 1U);
  const pid_t command = running.children().front();
  EXPECT_EQ(open_files(command).at(77), "/etc/passwd");
  EXPECT_EQ(open_files(command).at(900), "/etc/passwd");
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(command) + "/cwd"), "/usr/lib");
}

// Regression list: "0 idle wakeups".
TEST(IdleFootprint, DoesNotWakeUpWhileNothingHappens) {
  RunningProgram running(supervised({"/bin/sleep", "100"}), unchecked());
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  const auto switches = [&] {
    return status_line(running.pid(), "voluntary_ctxt_switches") +
           status_line(running.pid(), "nonvoluntary_ctxt_switches");
  };
  const std::string before = switches();
  ASSERT_NE(before, "");
  std::this_thread::sleep_for(std::chrono::seconds(3));
  EXPECT_EQ(switches(), before);
}

#ifndef __SANITIZE_ADDRESS__
// Resident, which Pss is never above: 350 kB is what was promised, half of what tini-static takes.
TEST(IdleFootprint, KeepsHardlyAnyMemoryIfNothingIsFollowed) {
  RunningProgram running(supervised({"/bin/sleep", "100"}), unchecked());
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  std::ifstream file("/proc/" + std::to_string(running.pid()) + "/smaps_rollup");
  std::string word;
  int kilobytes = 0;
  while (file >> word)
    if (word == "Rss:") file >> kilobytes;
  EXPECT_GT(kilobytes, 0);
  EXPECT_LE(kilobytes, 350);
}
#endif

}  // namespace
}  // namespace gpuinit::test
