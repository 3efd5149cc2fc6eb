// --seal and --image: one file with facts, witnesses and recording, and a start that uses it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "program/gpuinit_program.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

constexpr const char* kPython = "/usr/bin/python3";

class SealVerb : public testing::Test {
 protected:
  std::string path() const { return tree_.at("deep/seal"); }

  Ran seal(Words command, Words options = {}) const {
    Words words{"--seal", path()};
    words.insert(words.end(), options.begin(), options.end());
    words.push_back("--");
    words.insert(words.end(), command.begin(), command.end());
    return gpuinit(words);
  }
  Ran launch(Words command) const {
    Words words{"--verbose", "--set", "gpu.required=no", "--set", "image.seal=" + path()};
    words.insert(words.end(), command.begin(), command.end());
    return gpuinit(words);
  }

  Tree tree_;
};

TEST_F(SealVerb, RunsTheCommandAndKeepsItsExitCode) {
  const Ran ran = seal({kPython, "-c", "print('ran'); raise SystemExit(7)"});
  EXPECT_EQ(ran.exit_code, 7) << ran.err;
  EXPECT_EQ(ran.out, "ran\n");
  EXPECT_THAT(ran.err, HasSubstr("sealed in " + path() + ": " + kPython));
  EXPECT_THAT(ran.err, HasSubstr(" witnesses, and a recording of "));
  EXPECT_FALSE(std::filesystem::exists(path() + ".gpuinit-new"));
}

TEST_F(SealVerb, WithoutARunNothingOfTheImageIsExecuted) {
  const Ran ran = seal({kPython, "-c", "print('ran')"}, {"--no-run"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, Not(HasSubstr("recording")));
}

TEST_F(SealVerb, IsUsedAtStartAndItsRecordingToo) {
  ASSERT_EQ(seal({kPython, "-c", "import json"}).exit_code, 0);
  const Ran ran = launch({kPython, "-c", "print('ran')"});
  EXPECT_EQ(ran.out, "ran\n") << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("the seal holds"));
  EXPECT_THAT(ran.err, HasSubstr("pages: cached "));
  const Ran other = launch({kPython, "-s", "-c", "print('ran')"});
  EXPECT_EQ(other.out, "ran\n");
  EXPECT_THAT(other.err, HasSubstr("Python gets other options"));
}

TEST_F(SealVerb, ARecordingOfAnotherProgramIsNotWaitedFor) {
  tree_.file("input", std::string(3 << 20, 'x'));
  ASSERT_EQ(seal({"/bin/cat", tree_.at("input")}).exit_code, 0);
  const Ran other = launch({"/bin/echo", "ran"});
  EXPECT_EQ(other.out, "ran\n");
  EXPECT_THAT(other.err, HasSubstr("the recording is not of /bin/echo"));
  EXPECT_THAT(other.err, HasSubstr("cached 0 MiB of 0 files"));
  const Ran supervised = launch({"--supervise", "/bin/echo", "ran"});
  EXPECT_THAT(supervised.err, Not(HasSubstr("the recording is not of")));
  const Ran same = launch({"/bin/cat", "/dev/null"});
  EXPECT_THAT(same.err, HasSubstr(" 0 changed or gone"));
  EXPECT_THAT(same.err, Not(HasSubstr("cached 0 MiB")));
}

TEST_F(SealVerb, ThatIsDamagedIsSaidAndTheCommandRuns) {
  tree_.file("deep/seal", "gpuinit-seal 1 1 1 1\nx");
  const Ran ran = launch({"/bin/echo", "ran"});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out, "ran\n");
  EXPECT_THAT(ran.err, HasSubstr("deep/seal: it is of another gpuinit"));
}

TEST_F(SealVerb, SaysWhatWentWrong) {
  EXPECT_EQ(seal({"/no/such/command"}).exit_code, 127);
  EXPECT_EQ(gpuinit({"--seal"}).exit_code, 64);
  EXPECT_EQ(gpuinit({"--check", "--no-run", "true"}).exit_code, 64);
  EXPECT_FALSE(std::filesystem::exists(path()));
  tree_.file("deep", "a file");
  const Ran nowhere = seal({kPython, "-c", ""});
  EXPECT_EQ(nowhere.exit_code, 70);
  EXPECT_THAT(nowhere.err, HasSubstr("Not a directory"));
}

TEST_F(SealVerb, OfAnotherRootRunsNothing) {
  Tree image;
  const Ran ran = gpuinit({"--seal", path(), "--root", image.root(), "--", "python3"});
  EXPECT_EQ(ran.exit_code, 65);
  EXPECT_THAT(ran.err, HasSubstr("python3"));
}

class ImageFile : public SealVerb {
 protected:
  ImageFile() {
    tree_.file("node.json", kH100Node);
    EXPECT_EQ(seal({kPython, "-c", ""}, {"--no-run"}).exit_code, 0);
  }
};

TEST_F(ImageFile, GivesTheVerdictOfTheImageWithoutIt) {
  const Ran sealed = gpuinit({"--facts", "--image", path(), "--node", tree_.at("node.json")});
  EXPECT_EQ(sealed.exit_code, 0) << sealed.err;
  EXPECT_THAT(sealed.out, HasSubstr("\"" + std::string(kPython) + "\""));
  tree_.file("facts.json", sealed.out);
  const Ran again =
      gpuinit({"--facts", "--image", tree_.at("facts.json"), "--node", tree_.at("node.json")});
  EXPECT_EQ(again.out, sealed.out);
  const Ran full = gpuinit({"--check", "--node", tree_.at("node.json"), "--", kPython, "-c", ""});
  const Ran check = gpuinit({"--check", "--image", path(), "--node", tree_.at("node.json")});
  EXPECT_EQ(check.exit_code, full.exit_code) << check.err;
}

TEST_F(ImageFile, HasACommandOfItsOwn) {
  for (const Words& more : {Words{"--root", "/usr"}, Words{"--", "python3"}}) {
    Words words{"--check", "--image", path()};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = gpuinit(words);
    EXPECT_EQ(ran.exit_code, 64);
    EXPECT_THAT(ran.err, HasSubstr("--image has root, configuration and COMMAND of its own"));
  }
}

TEST_F(ImageFile, ThatIsNoneIsRefusedWithItsPlace) {
  tree_.file("bad.json", "{\"image\": {\"torch\": 7}}");
  const Ran bad = gpuinit({"--check", "--image", tree_.at("bad.json")});
  EXPECT_EQ(bad.exit_code, 64);
  EXPECT_THAT(bad.err, HasSubstr("image.torch: expected an object"));
  EXPECT_EQ(gpuinit({"--check", "--image", tree_.at("gone")}).exit_code, 64);
}

}  // namespace
}  // namespace gpuinit::test
