#include "report/termination_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "base/text.h"
#include "support/tree.h"

namespace gpuinit::report {
namespace {

using testing::HasSubstr;

const TerminationMessage kCause{.exit_code = 66, .cause = "a.b", .text = "cause\n"};
constexpr char kWhole[] = "gpuinit 66 a.b\ncause\n";

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TerminationLog, ReplacesWhatTheFileHeld) {
  test::Tree tree;
  tree.file("log", "an earlier and longer message");
  ASSERT_TRUE(write_termination_log(tree.at("log"), kCause).ok());
  EXPECT_EQ(content(tree.at("log")), kWhole);
}

TEST(TerminationLog, IsNeverCreated) {
  test::Tree tree;
  EXPECT_TRUE(write_termination_log(tree.at("log"), kCause).ok());
  EXPECT_FALSE(std::filesystem::exists(tree.at("log")));
  EXPECT_TRUE(write_termination_log(tree.at("no/such/directory"), kCause).ok());
  EXPECT_TRUE(write_termination_log("", kCause).ok());
}

TEST(TerminationLog, AFifoThatNobodyReadsDoesNotHang) {
  test::Tree tree;
  ASSERT_EQ(::mkfifo(tree.at("log").c_str(), 0600), 0);
  auto done = write_termination_log(tree.at("log"), kCause);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("not a regular file"));
}

TEST(TerminationLog, DirectoriesAndDevicesAreErrors) {
  test::Tree tree;
  EXPECT_FALSE(write_termination_log(tree.root(), kCause).ok());
  EXPECT_FALSE(write_termination_log("/dev/null", kCause).ok());
}

TEST(TerminationLog, AWriteThatTheSystemRefusesIsAnErrorThatNamesTheFile) {
  auto done = write_termination_log("/proc/self/clear_refs", kCause);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("writing the termination log /proc/self/clear_refs"));
}

TEST(TerminationLog, AMessageOfTheCommandStays) {
  test::Tree tree;
  tree.file("log", "its own").file("empty", "");
  ASSERT_TRUE(write_termination_log(tree.at("log"), kCause, Replace::kIfEmpty).ok());
  EXPECT_EQ(content(tree.at("log")), "its own");
  ASSERT_TRUE(write_termination_log(tree.at("empty"), kCause, Replace::kIfEmpty).ok());
  EXPECT_EQ(content(tree.at("empty")), kWhole);
}

std::string first_line(const TerminationMessage& message) {
  const std::string text = termination_text(message);
  return text.substr(0, text.find('\n'));
}

TEST(TerminationLog, TheFirstLineIsForPrograms) {
  EXPECT_EQ(first_line({66, "cuda.driver", "12.8", "11.4", ""}),
            "gpuinit 66 cuda.driver needs=12.8 has=11.4");
  EXPECT_EQ(first_line({65, "expect.torch", ">=2.5, <3", "", ""}),
            "gpuinit 65 expect.torch needs=>=2.5,<3")
      << "a value is a word";
  EXPECT_EQ(first_line({78, "policy", "", "", "text\n"}), "gpuinit 78 policy");
}

TEST(TerminationLog, TheFirstLineIsShortAndPrintable) {
  const std::string line =
      first_line({66, "a.b", std::string(10'000, 'x'), "1\ngpuinit 0 \x1b[2J", "t"});
  EXPECT_LE(line.size(), 200U);
  EXPECT_THAT(line, testing::EndsWith(" has=1\\x0agpuinit0\\x1b[2J"));
}

constexpr char kFirst[] = "gpuinit 66 a.b\n";

// Lines that are `size` bytes long together with the first one.
TerminationMessage of_size(std::size_t size) {
  TerminationMessage message{66, "a.b", "", "", "cause\n"};
  const std::string last = "stopped, exit code 66\n";
  const std::size_t room = size - std::string(kFirst).size() - last.size();
  while (message.text.size() + 100 < room) message.text += std::string(99, 'x') + "\n";
  message.text += std::string(room - message.text.size() - 1, 'y') + "\n" + last;
  return message;
}

TEST(TerminationLog, AFittingTextIsWhole) {
  for (const std::size_t less : {0U, 1U}) {
    const TerminationMessage message = of_size(kTerminationLogLimit - less);
    EXPECT_EQ(termination_text(message), kFirst + message.text);
  }
}

// The kubelet would show the end of a longer file, and the cause stands first.
TEST(TerminationLog, ALongTextKeepsItsBeginningAndItsLastLine) {
  for (const std::size_t size : {kTerminationLogLimit + 1, std::size_t{10'000}}) {
    const std::string whole = kFirst + of_size(size).text;
    const std::string text = termination_text(of_size(size));
    EXPECT_LE(text.size(), kTerminationLogLimit);
    EXPECT_GT(text.size(), kTerminationLogLimit - 150);
    const auto mark = text.find("[the rest is in the container's log]\nstopped, exit code 66\n");
    ASSERT_NE(mark, std::string::npos) << text;
    EXPECT_EQ(text.substr(0, mark), whole.substr(0, mark));
    EXPECT_EQ(text[mark - 1], '\n') << "a line is whole";
  }
}

TEST(TerminationLog, ALineThatFillsItIsCutBetweenCharacters) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string line(shift, 'x');
    while (line.size() < 5000) line += "\U0001F600";  // four bytes
    const auto text = termination_text({66, "a.b", "", "", "short\n" + line + "\n" + line + "\n"});
    EXPECT_LE(text.size(), kTerminationLogLimit);
    EXPECT_GT(text.size(), kTerminationLogLimit - 50);
    const auto lines = base::split_lines(text);
    ASSERT_EQ(lines.size(), 5U) << text;
    for (const std::size_t i : {2U, 4U}) EXPECT_EQ((lines[i].size() - shift) % 4, 0U) << i;
    EXPECT_EQ(lines[3], "[the rest is in the container's log]");
  }
}

}  // namespace
}  // namespace gpuinit::report
