#include "warmup/replay.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "page_cache.h"

namespace gpuinit::warmup {
namespace {

using namespace std::chrono_literals;
using test::DiskFile;
using test::kPage;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr ReplayOptions kPlenty{.max_bytes = 1 << 30, .in_flight = 3};

auto soon() { return std::chrono::steady_clock::now() + 20s; }

using Parts = std::vector<std::pair<PlannedFile, std::vector<Range>>>;

PlannedFile planned(const DiskFile& file) { return {file.path(), file.size(), file.modified()}; }

PagePlan plan_of(const Parts& parts) {
  PagePlan plan;
  for (const auto& [file, ranges] : parts) plan.add(file, ranges);
  return plan;
}

// Until the kernel has read what it was asked for.
std::uint64_t cached_in_the_end(const DiskFile& file, std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t all = (length + kPage - 1) / kPage;
  for (int i = 0; i < 2000 && file.cached_pages(offset, length) < all; ++i) ::usleep(2000);
  return file.cached_pages(offset, length);
}

std::size_t open_files() {
  std::size_t count = 0;
  DIR* files = ::opendir("/proc/self/fd");
  while (::readdir(files) != nullptr) ++count;
  ::closedir(files);
  return count;
}

TEST(Replay, BringsTheRangesIntoThePageCacheAndNothingElse) {
  const DiskFile file(16 * kMiB);
  if (!file.drop_from_cache()) GTEST_SKIP() << "this file system keeps everything in memory";
  Replay replay(
      [&] {
        return plan_of({{planned(file), {{kMiB, kMiB}, {8 * kMiB, 64 * 1024}}}});
      },
      kPlenty);
  replay.wait(soon());
  EXPECT_TRUE(replay.progress().finished);
  EXPECT_EQ(replay.progress().bytes, kMiB + 64 * 1024);
  EXPECT_EQ(replay.progress().fetched, kMiB + 64 * 1024);
  EXPECT_EQ(replay.progress().files, 1U);
  EXPECT_EQ(cached_in_the_end(file, kMiB, kMiB), kMiB / kPage);
  EXPECT_EQ(cached_in_the_end(file, 8 * kMiB, 64 * 1024), 16U);
  EXPECT_EQ(file.cached_pages(10 * kMiB, 6 * kMiB), 0U);
}

TEST(Replay, WhatIsInThePageCacheIsNotFetched) {
  const DiskFile file(2 * kMiB);
  const auto fetched = [&] {
    Replay replay([&] { return plan_of({{planned(file), {{0, 2 * kMiB}}}}); }, kPlenty);
    replay.wait(soon());
    EXPECT_EQ(replay.progress().bytes, 2 * kMiB);
    return replay.progress().fetched;
  };
  fetched();
  if (file.cached_pages(0, 2 * kMiB) < 2 * kMiB / kPage) GTEST_SKIP() << "memory is short";
  EXPECT_EQ(fetched(), 0U);
}

// The kernel cuts one readahead(2) to 128 KB and says nothing.
TEST(Replay, ReadsAllOfALargePieceBeforeItHasFinished) {
  const DiskFile file(8 * kMiB);
  if (!file.drop_from_cache()) GTEST_SKIP() << "this file system keeps everything in memory";
  Replay replay([&] { return plan_of({{planned(file), {{0, 8 * kMiB}}}}); }, kPlenty);
  EXPECT_TRUE(replay.wait(soon()));
  EXPECT_EQ(file.cached_pages(0, 8 * kMiB), 8 * kMiB / kPage);
}

TEST(Replay, AFileMayComeUpAgain) {
  const DiskFile one(4 * kMiB);
  const DiskFile other(4 * kMiB);
  if (!one.drop_from_cache()) GTEST_SKIP() << "this file system keeps everything in memory";
  PagePlan plan = plan_of({{planned(one), {{0, kMiB}}}, {planned(other), {{0, kMiB}}}});
  plan.pieces.push_back({0, {2 * kMiB, kMiB}});
  Replay replay([&] { return plan; }, kPlenty);
  replay.wait(soon());
  EXPECT_EQ(replay.progress().files, 2U);
  EXPECT_EQ(replay.progress().bytes, 3 * kMiB);
  EXPECT_EQ(one.cached_pages(2 * kMiB, kMiB), kMiB / kPage);
}

TEST(Replay, ReadsAWholeFileAndLooksUpNames) {
  const DiskFile file(300'000);
  if (!file.drop_from_cache()) GTEST_SKIP() << "this file system keeps everything in memory";
  Replay replay(
      [&] {
        return plan_of({{{"/", 0, 0, PlannedFile::Kind::kName}, {}},
                        {{"/nowhere", 0, 0, PlannedFile::Kind::kName}, {}},
                        {{file.path(), 0, 0, PlannedFile::Kind::kWhole}, {}}});
      },
      kPlenty);
  replay.wait(soon());
  EXPECT_TRUE(replay.progress().finished);
  EXPECT_EQ(replay.progress().bytes, 300'000U);
  EXPECT_EQ(replay.progress().stale, 0U);
  EXPECT_EQ(file.cached_pages(0, 300'000), 300'000 / kPage + 1);
}

TEST(Replay, LeavesStaleFilesAlone) {
  const DiskFile file(kMiB);
  if (!file.drop_from_cache()) GTEST_SKIP() << "this file system keeps everything in memory";
  PlannedFile grown = planned(file);
  grown.size += 1;
  PlannedFile touched = planned(file);
  touched.modified -= 1;
  PlannedFile gone = planned(file);
  gone.path += ".gone";
  PlannedFile directory = planned(file);
  directory.path = "/";
  const std::vector<Range> all{{0, kMiB}};
  Replay replay(
      [&] {
        return plan_of({{grown, all}, {touched, all}, {gone, all}, {directory, all}});
      },
      kPlenty);
  replay.wait(soon());
  EXPECT_TRUE(replay.progress().finished);
  EXPECT_EQ(replay.progress().stale, 4U);
  EXPECT_EQ(replay.progress().bytes, 0U);
  EXPECT_EQ(file.cached_pages(0, kMiB), 0U);
}

TEST(Replay, DoesNotWaitForAPipeThatNobodyWrites) {
  const std::string path = std::filesystem::current_path() / "warmup-test-fifo";
  ::unlink(path.c_str());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  Replay replay([&] { return plan_of({{{path, 0, 0}, {{0, 10}}}}); }, kPlenty);
  replay.wait(soon());
  EXPECT_TRUE(replay.progress().finished);
  EXPECT_EQ(replay.progress().stale, 1U);
  ::unlink(path.c_str());
}

TEST(Replay, NeverAsksForMoreThanItsBudget) {
  const DiskFile one(12 * kMiB);
  const DiskFile other(12 * kMiB);
  Replay replay(
      [&] {
        return plan_of({{planned(one), {{0, 12 * kMiB}}}, {planned(other), {{0, 12 * kMiB}}}});
      },
      {.max_bytes = 10 * kMiB, .in_flight = 3});
  replay.wait(soon());
  EXPECT_TRUE(replay.progress().finished);
  EXPECT_LE(replay.progress().bytes, 10 * kMiB);
  EXPECT_GE(replay.progress().bytes, 4 * kMiB);
}

TEST(Replay, LeavesNoProcessNoZombieAndNoDescriptor) {
  const std::size_t before = open_files();
  for (int i = 0; i < 20; ++i) {
    const DiskFile file(kMiB);
    Replay replay([&] { return plan_of({{planned(file), {{0, kMiB}}}}); }, kPlenty);
    if (i % 2 == 0) replay.wait(soon());
    replay.stop();
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(open_files(), before);
}

TEST(Replay, AMakerThatHangsIsWaitedForUntilTheDeadlineOnly) {
  const auto start = std::chrono::steady_clock::now();
  {
    Replay replay(
        []() -> PagePlan {
          for (;;) ::pause();
        },
        kPlenty);
    replay.wait(start + 200ms);
    EXPECT_FALSE(replay.progress().finished);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Replay, AMakerThatCrashesHarmsNobody) {
  Replay replay(
      []() -> PagePlan {
        ::signal(SIGABRT, SIG_DFL);
        ::raise(SIGKILL);
        return {};
      },
      kPlenty);
  replay.wait(soon());
  EXPECT_FALSE(replay.progress().finished);
}

// One that hangs must not keep the command's pipes open, nor read its input.
TEST(Replay, HasNoneOfTheCommandsDescriptors) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto seen = static_cast<int*>(
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(seen, MAP_FAILED);
  struct stat null {};
  ::stat("/dev/null", &null);
  Replay replay(
      [&] {
        for (int fd = 0; fd <= 1; ++fd) {
          struct stat file {};
          if (::fstat(fd, &file) == 0 && file.st_rdev == null.st_rdev) ++seen[0];
        }
        for (const int fd : ends) seen[1] += ::fcntl(fd, F_GETFD) < 0 ? 1 : 0;
        return PagePlan{};
      },
      kPlenty);
  ASSERT_TRUE(replay.wait(soon()));
  EXPECT_EQ(seen[0], 2) << "0 and 1 are /dev/null";
  EXPECT_EQ(seen[1], 2) << "both ends of the pipe are closed";
  ::munmap(seen, 4096);
  ::close(ends[0]);
  ::close(ends[1]);
}

// A process that runs the replay, and is killed: its helpers must end with it.
TEST(Replay, DiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);  // as gpuinit's own, these stay open in a helper
  const pid_t parent = ::fork();
  if (parent == 0) {
    Replay replay(
        [&]() -> PagePlan {
          for (;;) ::pause();
        },
        kPlenty);
    if (::write(ends[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ends[1]);
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  ::kill(parent, SIGKILL);
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "no process has the pipe open any more";
  ::close(ends[0]);
  ::waitpid(parent, nullptr, 0);
}

}  // namespace
}  // namespace gpuinit::warmup
