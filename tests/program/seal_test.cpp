// --seal and --image: one file with facts, witnesses and recording, and a start that uses it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

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
  EXPECT_THAT(ran.err,
              testing::ContainsRegex("pages: cached [0-9]+ MiB of [0-9]+ recorded files in "
                                     "[0-9]+ ms, [0-9]+ MiB of it from storage, "));
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
  EXPECT_THAT(other.err, HasSubstr("cached 0 MiB of 0 recorded files"));
  const Ran supervised = launch({"--supervise", "/bin/echo", "ran"});
  EXPECT_THAT(supervised.err, Not(HasSubstr("the recording is not of")));
  const Ran same = launch({"/bin/cat", "/dev/null"});
  EXPECT_THAT(same.err, HasSubstr(" 0 files changed or gone"));
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
  EXPECT_EQ(nowhere.exit_code, 64);
  EXPECT_THAT(nowhere.err, HasSubstr("Not a directory"));
}

// Before the command is run.
TEST_F(SealVerb, GoesWhereTheUserMayWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  RunOptions options = clean();
  options.in_child = [] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(99);
  };
  const Ran ran = gpuinit({"--seal", "/usr/none/seal", "--", "/bin/echo", "ran"}, options);
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "gpuinit: --seal: /usr: Permission denied\n");
}

// Before the command is run.
TEST_F(SealVerb, ReplacesRegularFilesOnly) {
  tree_.directory("deep").file("stranger", "theirs");
  const auto expect_refused = [&](const std::string& what) {
    const auto before = std::filesystem::symlink_status(path()).type();
    const Ran ran = seal({"/bin/sh", "-c", "echo ran"});
    EXPECT_EQ(ran.exit_code, 64) << what;
    EXPECT_EQ(ran.out, "") << what;
    EXPECT_THAT(ran.err, HasSubstr(path() + " is " + what));
    EXPECT_EQ(std::filesystem::symlink_status(path()).type(), before) << what;
    std::filesystem::remove(path());
  };
  tree_.directory("deep/seal");
  expect_refused("a directory");
  tree_.link("deep/seal", "../stranger");
  expect_refused("a symlink");
  ASSERT_EQ(::mkfifo(path().c_str(), 0644), 0);
  expect_refused("a device, FIFO or socket");
  if (::mknod(path().c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0)
    expect_refused("a device, FIFO or socket");
}

// A hard link to it is replaced, not written through; the new file has a name that was free.
TEST_F(SealVerb, WritesIntoNoStrangersFile) {
  tree_.directory("deep").file("stranger", "theirs");
  std::filesystem::create_hard_link(tree_.at("stranger"), path());
  for (const char* planted : {"deep/seal.gpuinit-new", "deep/seal.new", "deep/seal.tmp"})
    tree_.link(planted, "../stranger");
  EXPECT_EQ(seal({kPython, "-S", "-c", "1"}, {"--no-run"}).exit_code, 0);
  std::ifstream file(tree_.at("stranger"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "theirs");
  EXPECT_EQ(std::filesystem::file_size(tree_.at("stranger")), 6U);
  const auto left = std::distance(std::filesystem::directory_iterator(tree_.at("deep")), {});
  EXPECT_EQ(left, 4);  // the seal, and what was planted
}

// The image is not at fault, and a retry may find room.
TEST_F(SealVerb, AFullDiskIsNotReady) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  tree_.directory("full");
  RunOptions options = clean();
  options.in_child = [disk = tree_.at("full").string()] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("full", disk.c_str(), "tmpfs", 0, "size=4k") != 0)
      ::_exit(99);
  };
  const Ran ran = gpuinit({"--seal", tree_.at("full/seal"), "--no-run", "--", kPython}, options);
  EXPECT_EQ(ran.exit_code, 75);
  EXPECT_THAT(ran.err, HasSubstr("No space left on device"));
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
