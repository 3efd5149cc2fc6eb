#include "warmup/touched_pages.h"

#include <gtest/gtest.h>

#include "page_cache.h"

namespace gpuinit::warmup {
namespace {

using test::DiskFile;
using test::kPage;

constexpr std::uint64_t kMiB = 1 << 20;

const FilePart* find(const PagePlan& plan, const std::string& path) {
  for (const FilePart& part : plan)
    if (part.path == path) return &part;
  return nullptr;
}

bool covers(const FilePart& part, std::uint64_t offset) {
  for (const Range& range : part.ranges)
    if (offset >= range.offset && offset < range.offset + range.length) return true;
  return false;
}

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
  const FilePart* part = find(plan, file.path());
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(part->size, 32 * kMiB);
  EXPECT_EQ(part->modified, file.modified());
  EXPECT_TRUE(covers(*part, 8 * kMiB));
  EXPECT_TRUE(covers(*part, 20 * kMiB));
  EXPECT_FALSE(covers(*part, 0));
  EXPECT_FALSE(covers(*part, 14 * kMiB));
  EXPECT_FALSE(covers(*part, 31 * kMiB));
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
  const FilePart* part = find(plan, file.path());
  ASSERT_NE(part, nullptr);
  EXPECT_TRUE(covers(*part, 20 * kMiB));
  EXPECT_FALSE(covers(*part, 4 * kMiB));
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
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_EQ(plan[0].ranges, (std::vector<Range>{{kMiB, kMiB}}));
}

TEST(TouchedPages, WantsASmallFileWholeAndALargeOneAsFarAsItWasRead) {
  const DiskFile small(100'000);
  const DiskFile large(8 * kMiB);
  ASSERT_EQ(::lseek(small.fd(), 10, SEEK_SET), 10);
  ASSERT_EQ(::lseek(large.fd(), 3 * kMiB, SEEK_SET), static_cast<off_t>(3 * kMiB));
  TouchedPages touched;
  touched.add_open_files(::getpid());
  const PagePlan plan = touched.plan();
  ASSERT_NE(find(plan, small.path()), nullptr);
  ASSERT_NE(find(plan, large.path()), nullptr);
  EXPECT_EQ(find(plan, small.path())->ranges, (std::vector<Range>{{0, 100'000}}));
  EXPECT_EQ(find(plan, large.path())->ranges, (std::vector<Range>{{0, 3 * kMiB}}));
  for (const FilePart& part : plan) EXPECT_FALSE(part.path.starts_with("/proc/")) << part.path;
}

TEST(TouchedPages, WhatIsOnlyWrittenIsNotWanted) {
  const DiskFile file(10'000);
  const int writing = ::open(file.path().c_str(), O_WRONLY | O_CLOEXEC);
  TouchedPages touched;
  touched.add_open_file(::getpid(), writing);
  EXPECT_TRUE(touched.plan().empty());
  touched.add_open_file(::getpid(), file.fd());
  EXPECT_EQ(touched.plan().size(), 1U);
  ::close(writing);
}

TEST(TouchedPages, AProcessThatIsGoneAddsNothing) {
  TouchedPages touched;
  touched.add_mappings(0x3FFFFFFF);
  touched.add_open_files(0x3FFFFFFF);
  touched.add_open_file(0x3FFFFFFF, 0);
  touched.add_open_file(::getpid(), 987654);
  EXPECT_TRUE(touched.plan().empty());
}

}  // namespace
}  // namespace gpuinit::warmup
