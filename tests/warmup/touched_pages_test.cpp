#include "warmup/touched_pages.h"

#include <gtest/gtest.h>

#include "page_cache.h"
#include "plan_ranges.h"
#include "support/tree.h"

namespace gpuinit::warmup {
namespace {

using test::bytes_of;
using test::covers;
using test::DiskFile;
using test::find_file;
using test::kPage;

constexpr std::uint64_t kMiB = 1 << 20;

TEST(TouchedPages, KnowsWhichPartsOfAMappedFileWereUsed) {
  const DiskFile file(32 * kMiB);
  auto* at = static_cast<volatile char*>(
      ::mmap(nullptr, 32 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.fd(), 0));
  const char read = at[8 * kMiB];
  at[20 * kMiB] = read;  // a copy of its own now, and read from the file all the same
  TouchedPages touched;
  touched.add_mappings(::getpid());
  ::munmap(const_cast<char*>(at), 32 * kMiB);

  const PagePlan plan = touched.plan();
  const PlannedFile* part = find_file(plan, file.path());
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(part->size, 32 * kMiB);
  EXPECT_EQ(part->modified, file.modified());
  EXPECT_TRUE(covers(plan, file.path(), 8 * kMiB));
  EXPECT_TRUE(covers(plan, file.path(), 20 * kMiB));
  EXPECT_FALSE(covers(plan, file.path(), 0));
  EXPECT_FALSE(covers(plan, file.path(), 14 * kMiB));
  EXPECT_FALSE(covers(plan, file.path(), 31 * kMiB));
}

TEST(TouchedPages, CountsFromTheOffsetOfTheMapping) {
  const DiskFile file(32 * kMiB);
  auto* at = static_cast<volatile char*>(
      ::mmap(nullptr, 16 * kMiB, PROT_READ, MAP_PRIVATE, file.fd(), 16 * kMiB));
  [[maybe_unused]] const char read = at[4 * kMiB];
  TouchedPages touched;
  touched.add_mappings(::getpid());
  ::munmap(const_cast<char*>(at), 16 * kMiB);
  const PagePlan plan = touched.plan();
  const PlannedFile* part = find_file(plan, file.path());
  ASSERT_NE(part, nullptr);
  EXPECT_TRUE(covers(plan, file.path(), 20 * kMiB));
  EXPECT_FALSE(covers(plan, file.path(), 4 * kMiB));
}

TEST(TouchedPages, LooksOnlyAtTheAddressesAskedFor) {
  const DiskFile file(4 * kMiB);
  auto* at = static_cast<volatile char*>(
      ::mmap(nullptr, 4 * kMiB, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file.fd(), 0));
  const auto begin = reinterpret_cast<std::uint64_t>(at);
  TouchedPages touched;
  touched.add_mappings(::getpid(), begin + kMiB, begin + 2 * kMiB);
  ::munmap(const_cast<char*>(at), 4 * kMiB);
  const PagePlan plan = touched.plan();
  ASSERT_EQ(plan.files.size(), 1U);
  EXPECT_EQ(bytes_of(plan, file.path()), kMiB);
  EXPECT_EQ(plan.pieces[0].range.offset, kMiB);
}

TEST(TouchedPages, WantsASmallFileWholeAndALargeOneAsFarAsItWasRead) {
  const DiskFile small(100'000);
  const DiskFile large(8 * kMiB);
  ASSERT_EQ(::lseek(small.fd(), 10, SEEK_SET), 10);
  ASSERT_EQ(::lseek(large.fd(), 3 * kMiB, SEEK_SET), static_cast<off_t>(3 * kMiB));
  TouchedPages touched;
  touched.add_open_files(::getpid());
  const PagePlan plan = touched.plan();
  ASSERT_NE(find_file(plan, small.path()), nullptr);
  ASSERT_NE(find_file(plan, large.path()), nullptr);
  EXPECT_EQ(bytes_of(plan, small.path()), 100'000U);
  EXPECT_EQ(bytes_of(plan, large.path()), 3 * kMiB);
  for (const PlannedFile& part : plan.files)
    EXPECT_FALSE(part.path.starts_with("/proc/")) << part.path;
}

TEST(TouchedPages, WhatIsOnlyWrittenIsNotWanted) {
  const DiskFile file(10'000);
  const int writing = ::open(file.path().c_str(), O_WRONLY | O_CLOEXEC);
  TouchedPages touched;
  touched.add_open_file(::getpid(), writing);
  EXPECT_TRUE(touched.plan().pieces.empty());
  touched.add_open_file(::getpid(), file.fd());
  EXPECT_EQ(touched.plan().pieces.size(), 1U);
  ::close(writing);
}

TEST(TouchedPages, AProcessThatIsGoneAddsNothing) {
  TouchedPages touched;
  touched.add_mappings(0x3FFFFFFF);
  touched.add_open_files(0x3FFFFFFF);
  touched.add_open_file(0x3FFFFFFF, 0);
  touched.add_open_file(::getpid(), 987654);
  EXPECT_TRUE(touched.plan().pieces.empty());
}

TEST(TouchedPages, CountsAFileAsTouchedWhenItWasMapped) {
  const DiskFile library(kMiB);
  const DiskFile later(kMiB);
  TouchedPages touched;
  touched.mapped(library.path());
  touched.touched(later.path(), {0, 4096});
  auto* at = static_cast<volatile char*>(
      ::mmap(nullptr, kMiB, PROT_READ, MAP_PRIVATE | MAP_POPULATE, library.fd(), 0));
  touched.add_mappings(::getpid(), reinterpret_cast<std::uint64_t>(at),
                       reinterpret_cast<std::uint64_t>(at) + kMiB);
  ::munmap(const_cast<char*>(at), kMiB);
  const PagePlan plan = touched.plan();
  ASSERT_FALSE(plan.pieces.empty());
  EXPECT_EQ(plan.files[plan.pieces.front().file].path, library.path());
  EXPECT_EQ(plan.files[plan.pieces.back().file].path, later.path());
}

TEST(TouchedPages, LooksUpDirectoriesAndTheSourcesOfCompiledModules) {
  test::Tree tree;
  tree.file("p/x.py").file("p/__pycache__/x.cpython-312.pyc", "compiled");
  const std::string compiled = tree.at("p/__pycache__/x.cpython-312.pyc");
  const int file = ::open(compiled.c_str(), O_RDONLY | O_CLOEXEC);
  const int directory = ::open(tree.at("p").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  TouchedPages touched;
  touched.add_open_file(::getpid(), file);
  touched.add_open_file(::getpid(), directory);
  ::close(file);
  ::close(directory);
  const PagePlan plan = touched.plan();
  EXPECT_EQ(bytes_of(plan, compiled), 8U);
  for (const std::string path : {"p/x.py", "p"}) {
    ASSERT_NE(find_file(plan, tree.at(path)), nullptr) << path;
    EXPECT_EQ(find_file(plan, tree.at(path))->kind, PlannedFile::Kind::kName);
  }
}

}  // namespace
}  // namespace gpuinit::warmup
