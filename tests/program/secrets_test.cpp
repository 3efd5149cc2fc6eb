// No secret of the command's arguments, or of variables that are not ours or CUDA's, is told: in no
// format, by no verb, in no file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The commands print nothing themselves.
const std::vector<Words> kCommands{
    {"/usr/bin/python3", "-c", "token = 'SECRET'", "token=SECRET", "SECRET", "-pSECRET",
     "--token=SECRET"},
    {"env", "TOKEN=SECRET", "/usr/bin/python3", "-X", "token=SECRET", "-c", ""},
    {"/bin/sh", "-c", "TOKEN=SECRET exec /usr/bin/python3 -c '' --token SECRET"},
    {"/bin/sh", "-c", "test -z token=SECRET || true; /bin/true SECRET", "sh", "SECRET"},
    {"env", "--chdir=/", "--unset=SECRET", "/bin/true", "SECRET"},
    {"timeout", "10", "/bin/true", "token=SECRET"},
    {"nice", "-n", "SECRET", "/bin/true"},
    {"env", "--token=SECRET", "/bin/true"},
    {"/bin/true", "serve", "SECRET"},
};

RunOptions with_secrets() {
  return clean({{"API_TOKEN", "token=SECRET"}, {"HF_TOKEN", "SECRET"}, {"AWS_KEY", "SECRET"}});
}

class Secrets : public testing::Test {
 protected:
  // The termination log is one of the outputs.
  std::string all_of(Words options, const Words& command) {
    options.insert(options.end(),
                   {"--set", "report.termination-log=" + tree_.at("log").string(), "--"});
    options.insert(options.end(), command.begin(), command.end());
    const Ran ran = gpuinit(options, with_secrets());
    return ran.out + ran.err + content_of(tree_.at("log")) + content_of(seal());
  }
  std::string seal() const { return tree_.at("seal"); }

  Tree tree_;
};

TEST_F(Secrets, AreInNoOutput) {
  const std::vector<Words> verbs{
      {},
      {"--verbose"},
      {"--format", "json"},
      {"--format", "json", "--verbose"},
      {"--set", "gpu.required=yes", "--set", "expect.python=<3"},
      {"--supervise", "--verbose"},
      {"--check", "--verbose"},
      {"--check", "--format", "json"},
      {"--check", "--set", "expect.python=<3", "--set", "gpu.required=yes"},
      {"--facts", "--verbose"},
      {"--seal", seal(), "--no-run"},
      {"--seal", seal(), "--no-run", "--format", "json", "--verbose"}};
  for (const Words& command : kCommands)
    for (const Words& verb : verbs) {
      // coreutils say themselves what they do not understand.
      const bool starts = verb.empty() || verb[0] != "--check";
      if (starts && (command[0] == "nice" || command[1] == "--token=SECRET") &&
          (verb.empty() || (verb[0] != "--facts" && verb[0] != "--seal")))
        continue;
      const std::string said = all_of(verb, command);
      EXPECT_THAT(said, Not(HasSubstr("SECRET")))
          << testing::PrintToString(verb) << testing::PrintToString(command);
    }
}

TEST_F(Secrets, WhatTheStartNeedsStays) {
  tree_.file("train.py", "import sys\n");
  const std::string facts = all_of({"--facts"}, {"/usr/bin/python3", "-u", tree_.at("train.py"),
                                                 "--lr", "1e-3", "--x=y", "--fast"});
  for (const char* kept : {"\"/usr/bin/python3\"", "\"-u\"", "/train.py\"", "\"--lr\"",
                           "\"--x=\xe2\x80\xa6\"", "\"--fast\""})
    EXPECT_THAT(facts, HasSubstr(kept));
}

// The words of a command are no part of what a seal is compared by.
TEST_F(Secrets, ASealWithSecretsIsUsed) {
  const Words command{"/usr/bin/python3", "-c", "print('ran')", "--token", "SECRET"};
  all_of({"--seal", seal(), "--no-run"}, command);
  EXPECT_THAT(content_of(seal()), Not(HasSubstr("SECRET")));
  const Ran ran = gpuinit({"--verbose", "--set", "gpu.required=no", "--set", "image.seal=" + seal(),
                           "/usr/bin/python3", "-c", "print('ran')", "--token", "SECRET"},
                          with_secrets());
  EXPECT_EQ(ran.out, "ran\n");
  EXPECT_THAT(ran.err, HasSubstr("the image is as it was sealed"));
}

TEST_F(Secrets, OfAnImagesConfigurationAreInNoOutput) {
  tree_.file(
      "config.json",
      R"([{"Config":{"Entrypoint":["/usr/bin/python3","-c","SECRET"],"Cmd":["token=SECRET"],)"
      R"("Env":["PATH=/usr/bin","API_TOKEN=SECRET","TOKEN=token=SECRET"]}}])");
  for (const Words& verb : {Words{"--facts"}, Words{"--check", "--format", "json"},
                            Words{"--check", "--verbose"}, Words{"--seal", seal()}}) {
    Words words = verb;
    words.insert(words.end(), {"--image-config", tree_.at("config.json")});
    const Ran ran = gpuinit(words, with_secrets());
    EXPECT_THAT(ran.out + ran.err + content_of(seal()), Not(HasSubstr("SECRET")))
        << testing::PrintToString(verb);
    EXPECT_NE(ran.exit_code, 64) << ran.err;
  }
}

}  // namespace
}  // namespace gpuinit::test
