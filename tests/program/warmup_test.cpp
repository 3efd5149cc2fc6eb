// warmup.pages of the policy: nothing of it may stand in the command's way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> launched(const std::string& pages, std::vector<std::string> more) {
  std::vector<std::string> words{"--verbose", "--set", "gpu.required=no", "--set",
                                 "warmup.pages=" + pages};
  words.insert(words.end(), more.begin(), more.end());
  return words;
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
