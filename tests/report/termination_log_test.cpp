#include "report/termination_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "support/tree.h"

namespace gpuinit::report {
namespace {

using testing::HasSubstr;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TerminationLog, ReplacesWhatTheFileHeld) {
  test::Tree tree;
  tree.file("log", "an earlier and longer message");
  ASSERT_TRUE(write_termination_log(tree.at("log"), "cause\n").ok());
  EXPECT_EQ(content(tree.at("log")), "cause\n");
}

TEST(TerminationLog, IsNeverCreated) {
  test::Tree tree;
  EXPECT_TRUE(write_termination_log(tree.at("log"), "cause\n").ok());
  EXPECT_FALSE(std::filesystem::exists(tree.at("log")));
  EXPECT_TRUE(write_termination_log(tree.at("no/such/directory"), "cause\n").ok());
  EXPECT_TRUE(write_termination_log("", "cause\n").ok());
}

TEST(TerminationLog, AFifoThatNobodyReadsDoesNotHang) {
  test::Tree tree;
  ASSERT_EQ(::mkfifo(tree.at("log").c_str(), 0600), 0);
  auto done = write_termination_log(tree.at("log"), "cause\n");
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("not a regular file"));
}

TEST(TerminationLog, DirectoriesAndDevicesAreErrors) {
  test::Tree tree;
  EXPECT_FALSE(write_termination_log(tree.root(), "cause\n").ok());
  EXPECT_FALSE(write_termination_log("/dev/null", "cause\n").ok());
}

TEST(TerminationLog, AWriteThatTheSystemRefusesIsAnErrorThatNamesTheFile) {
  auto done = write_termination_log("/proc/self/clear_refs", "not a number\n");
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("writing the termination log /proc/self/clear_refs"));
}

TEST(TerminationLog, AFittingTextIsWhole) {
  test::Tree tree;
  tree.file("log");
  const std::string text(kTerminationLogLimit, 'x');
  ASSERT_TRUE(write_termination_log(tree.at("log"), text).ok());
  EXPECT_EQ(content(tree.at("log")), text);
}

// The kubelet would show the end of a longer file, and the cause stands first.
TEST(TerminationLog, ALongTextKeepsItsBeginning) {
  test::Tree tree;
  tree.file("log");
  ASSERT_TRUE(write_termination_log(tree.at("log"), "cause" + std::string(10'000, 'x')).ok());
  const auto text = content(tree.at("log"));
  EXPECT_EQ(text.size(), kTerminationLogLimit);
  EXPECT_TRUE(text.starts_with("causexxx"));
  EXPECT_THAT(text, HasSubstr("the rest is in the container's log"));
}

TEST(TerminationLog, IsNotCutInsideACharacter) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    test::Tree tree;
    tree.file("log");
    std::string text(shift, 'x');
    while (text.size() < 5000) text += "\U0001F600";  // four bytes
    ASSERT_TRUE(write_termination_log(tree.at("log"), text).ok());
    const auto kept = content(tree.at("log"));
    const auto end = kept.find("\n[");
    ASSERT_NE(end, std::string::npos);
    EXPECT_EQ((end - shift) % 4, 0U) << shift;
    EXPECT_GT(end, kTerminationLogLimit - 50);
  }
}

}  // namespace
}  // namespace gpuinit::report
