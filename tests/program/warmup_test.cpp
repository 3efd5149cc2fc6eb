// --record, and warmup.pages of the policy: nothing of it may stand in the command's way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> launched(const std::string& pages, std::vector<std::string> more) {
  std::vector<std::string> words{"--verbose", "--set", "gpu.required=no", "--set",
                                 "warmup.pages=" + pages};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Record, WritesWhatTheCommandReadAndKeepsItsExitCode) {
  Tree tree;
  tree.file("input", std::string(12'345, 'x'));
  const std::string recording = tree.at("recording");
  const Ran ran = gpuinit({"--record", recording, "--", "/bin/sh", "-c",
                           "cat " + tree.at("input").string() + " > /dev/null; exit 7"});
  EXPECT_EQ(ran.exit_code, 7) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("recorded "));
  const std::string text = read(recording);
  EXPECT_THAT(text, StartsWith("gpuinit-pages 2\n"));
  EXPECT_THAT(text, HasSubstr(" 0+12345 " + tree.at("input").string() + "\n"));
  EXPECT_FALSE(std::filesystem::exists(recording + ".gpuinit-new"));
}

TEST(Record, OfPythonHasWhatTheChecksReadToo) {
  Tree tree;
  const std::string recording = tree.at("recording");
  const Ran ran = gpuinit({"--record", recording, "/usr/bin/python3", "-c", "import json"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const std::string text = read(recording);
  EXPECT_THAT(text, HasSubstr("/libc.so.6\n"));
  EXPECT_THAT(text, HasSubstr("json/"));
  EXPECT_THAT(text, HasSubstr("/METADATA\n")) << "only the checks read this";
  const Ran replayed = gpuinit(launched(recording, {"/usr/bin/python3", "-c", "print('ran')"}));
  EXPECT_EQ(replayed.out, "ran\n") << replayed.err;
  EXPECT_THAT(replayed.err, HasSubstr("pages: read "));
  EXPECT_THAT(replayed.err, HasSubstr(" 0 changed or gone"));
}

TEST(Record, SaysWhatWentWrong) {
  Tree tree;
  const Ran nowhere = gpuinit({"--record", tree.at("no/recording"), "/bin/true"});
  EXPECT_NE(nowhere.exit_code, 0);
  EXPECT_THAT(nowhere.err, HasSubstr("No such file or directory"));
  EXPECT_EQ(gpuinit({"--record", tree.at("r"), "/no/such/command"}).exit_code, 127);
  EXPECT_EQ(gpuinit({"--record", tree.at("r")}).exit_code, 64);
  EXPECT_EQ(gpuinit({"--record"}).exit_code, 64);
  EXPECT_FALSE(std::filesystem::exists(tree.at("r")));
}

TEST(Pages, ARecordingThatCannotBeUsedIsSaidAndTheCommandRuns) {
  Tree tree;
  tree.file("broken", "gpuinit-pages 2\n1 2 0-1 /a\n");
  const Ran broken = gpuinit(launched(tree.at("broken"), {"/bin/echo", "ran"}));
  EXPECT_EQ(broken.exit_code, 0);
  EXPECT_EQ(broken.out, "ran\n");
  EXPECT_THAT(broken.err, HasSubstr("broken: line 2: expected <offset>+<length>, found `0-1`"));
  const Ran gone = gpuinit(launched(tree.at("gone"), {"/bin/echo", "ran"}));
  EXPECT_EQ(gone.out, "ran\n");
  EXPECT_THAT(gone.err, HasSubstr("gone: No such file or directory; nothing is read ahead"));
}

TEST(Pages, StaleFilesAreCountedAndLeftAlone) {
  Tree tree;
  const std::string echo = std::filesystem::canonical("/bin/echo");
  tree.file("recording",
            "gpuinit-pages 2\n- " + echo + "\n5 7 0+5 /no/such/file\n5 7 0+5 /etc/passwd\n");
  const Ran ran = gpuinit(launched(tree.at("recording"), {"/bin/echo", "ran"}));
  EXPECT_EQ(ran.out, "ran\n");
  EXPECT_THAT(ran.err, HasSubstr("read 0 MiB of 0 files, 2 changed or gone"));
}

TEST(Pages, OfAnotherProgramAreNotWaitedFor) {
  Tree tree;
  tree.file("input", std::string(3 << 20, 'x'));
  const std::string recording = tree.at("recording");
  ASSERT_EQ(gpuinit({"--record", recording, "/bin/cat", tree.at("input")}).exit_code, 0);
  const Ran other = gpuinit(launched(recording, {"/bin/echo", "ran"}));
  EXPECT_EQ(other.out, "ran\n");
  EXPECT_THAT(other.err, HasSubstr("the recording is not of /bin/echo"));
  EXPECT_THAT(other.err, HasSubstr("read 0 MiB of 0 files"));
  const Ran supervised = gpuinit(launched(recording, {"--supervise", "/bin/echo", "ran"}));
  EXPECT_THAT(supervised.err, Not(HasSubstr("the recording is not of")));
  const Ran same = gpuinit(launched(recording, {"/bin/cat", "/dev/null"}));
  EXPECT_THAT(same.err, HasSubstr(" 0 changed or gone"));
  EXPECT_THAT(same.err, Not(HasSubstr("read 0 MiB")));
}

TEST(Pages, AreNotReadWhenNobodyWantsIt) {
  const Ran off = gpuinit(launched("off", {"/bin/echo", "ran"}));
  EXPECT_EQ(off.out, "ran\n");
  EXPECT_THAT(off.err, Not(HasSubstr("pages: ")));
}

class PagesInMode : public testing::TestWithParam<const char*> {};

// `read` and `echo` are the shell's own: it has no child but what it was given.
TEST_P(PagesInMode, LeaveTheCommandWithoutAnyChild) {
  std::vector<std::string> words = launched("auto", {});
  words.insert(words.end(), {"--set", std::string("launch.mode=") + GetParam(), "/bin/sh", "-c",
                             "read children < /proc/$$/task/$$/children; echo \"[$children]\""});
  for (int i = 0; i < 10; ++i) {
    const Ran ran = gpuinit(words);
    EXPECT_EQ(ran.out, "[]\n") << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("pages: "));
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, PagesInMode, testing::Values("exec", "supervise"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace gpuinit::test
