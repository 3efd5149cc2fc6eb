// What may not be read, is cut short, or goes beyond a limit of gpuinit's is told as that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "program/gpuinit_program.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

// Words may be parted by the report's line ends.
std::string one_line(std::string text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || !line.ends_with(' ')) line += blank ? ' ' : c;
  }
  return line;
}

class UnreadImage : public testing::Test {
 protected:
  void SetUp() override {
    image_.ptx = {"120"};
    image_.write_to(tree_);
    node_.file("node.json", kH100Node);
    site_ = image_.site_packages();
    for (const Tree* one : {&tree_, &node_}) ::chmod(one->root().c_str(), 0755);
  }

  Ran check(RunOptions options = clean(), const std::string& command = "python") {
    return gpuinit({"--check", "--verbose", "--root", tree_.root(), "--node", node_.at("node.json"),
                    "--", command, "-c", "1"},
                   options);
  }

  Ran check_as_nobody(const std::string& command = "python") {
    RunOptions options = clean();
    options.in_child = [] {
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(248);
    };
    return check(options, command);
  }

  void expect_limit(const std::string& words) {
    const Ran ran = check();
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_THAT(one_line(ran.err), HasSubstr(words));
    EXPECT_THAT(ran.err, HasSubstr("gpuinit: undecided image.readable: ")) << ran.err;
  }

  Tree tree_;
  Tree node_;
  PyTorchImage image_;
  std::string site_;
};

// uv's managed Python in root's home.
TEST_F(UnreadImage, ADirectoryThatMayNotBeEnteredIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  tree_.link("opt/venv/bin/python", "/root/uv/bin/python3.12");
  tree_.link("root/uv", "/usr/local");
  ::chmod(tree_.at("root").c_str(), 0700);
  const Ran ran = check_as_nobody("/opt/venv/bin/python");
  EXPECT_THAT(one_line(ran.err), HasSubstr("leads into /root, which uid 65534 may not enter (mode "
                                           "0700, owner 0)"));
  EXPECT_THAT(ran.err, Not(HasSubstr("does not exist")));
  EXPECT_EQ(ran.exit_code, 126) << ran.err;
}

TEST_F(UnreadImage, ALibrarysDirectoryThatMayNotBeEnteredIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const std::string closed = site_ + "/nvidia/cuda_runtime/lib";
  ASSERT_EQ(::chmod(tree_.at(closed).c_str(), 0700), 0);
  const Ran ran = check_as_nobody();
  EXPECT_EQ(ran.exit_code, 65) << ran.err;
  EXPECT_THAT(one_line(ran.err), HasSubstr("closed to this user /" + closed));
  EXPECT_THAT(one_line(ran.err), HasSubstr("fix: This user may not read /" + closed + ":"));
}

TEST_F(UnreadImage, WhatIsCutShortIsToBeReinstalled) {
  const std::string library = site_ + "/nvidia/cuda_runtime/lib/libcudart.so.12";
  const std::string info = site_ + "/nvidia_cuda_runtime_cu12-12.8.90.dist-info";
  tree_.file(info + "/RECORD", "nvidia/cuda_runtime/lib/libcudart.so.12,sha256=abc,712032\n");
  for (const off_t size : {0, 100}) {
    ASSERT_EQ(::truncate(tree_.at(library).c_str(), size), 0);
    const Ran ran = check();
    EXPECT_EQ(ran.exit_code, 65) << ran.err;
    const std::string said = one_line(ran.err);
    EXPECT_THAT(said, HasSubstr("libcudart.so.12 is cut short: " + std::to_string(size) +
                                " of 712032 bytes, and"));
    EXPECT_THAT(said, HasSubstr("--force-reinstall --no-deps 'nvidia-cuda-runtime-cu12==12.8.90'"));
    EXPECT_THAT(said, Not(HasSubstr("LD_LIBRARY_PATH")));
  }
}

// A sanitizer's program needs descriptors for libraries of its own.
#if !defined(__SANITIZE_ADDRESS__)
TEST_F(UnreadImage, TooFewDescriptorsAreNoFaultOfTheImage) {
  for (rlim_t most = 4; most <= 12; ++most) {
    RunOptions options = clean();
    options.in_child = [most] {
      const rlimit limit{most, most};
      ::setrlimit(RLIMIT_NOFILE, &limit);
    };
    const Ran ran = check(options);
    // 64: the node file or the root itself could not be opened.
    EXPECT_THAT(ran.exit_code, AnyOf(0, 64, 75)) << most << ran.err;
    if (ran.exit_code == 75) {
      EXPECT_THAT(ran.err, HasSubstr("Too many open files")) << most;
    }
  }
}
#endif

TEST_F(UnreadImage, ADirectoryOfTooManyNames) {
  for (int i = 0; i <= 200'000; ++i)
    ::close(::open(tree_.at(site_ + "/f" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0600));
  const Ran ran = check();
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(one_line(ran.err),
              HasSubstr("/" + site_ + ": more than 200000 directory entries and: python.packages"));
}

TEST_F(UnreadImage, TooManyDistributions) {
  for (int i = 0; i <= 5'000; ++i)
    tree_.file(site_ + "/a" + std::to_string(i) + "-1.dist-info/METADATA",
               "Name: a" + std::to_string(i) + "\nVersion: 1\n\n");
  const Ran ran = check();
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(one_line(ran.err),
              HasSubstr("/" + site_ + ": more than 5000 distributions and: python.packages"));
}

// The line that leads to torch comes last.
TEST_F(UnreadImage, APthFileThatIsTooLongOrHasTooManyLines) {
  const std::string moved = "opt/moved";
  std::filesystem::create_directories(tree_.at("opt"));
  std::filesystem::rename(tree_.at(site_), tree_.at(moved));
  tree_.directory(site_);
  const std::string last = "/" + moved + "\n";
  tree_.file(site_ + "/a.pth", last);
  EXPECT_EQ(check().exit_code, 0);
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += "#\n";
  for (const std::string& before : {"#" + std::string(1 << 20, '-') + "\n", lines}) {
    tree_.file(site_ + "/a.pth", before + last);
    const Ran ran =
        gpuinit({"--check", "--verbose", "--set", "torch.required=true", "--root", tree_.root(),
                 "--node", node_.at("node.json"), "--", "python", "-c", "1"});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_THAT(one_line(ran.err), HasSubstr("torch.install"));
    EXPECT_THAT(one_line(ran.err),
                AnyOf(HasSubstr("more than 10000 lines"), HasSubstr("more than the 1048576")));
  }
}

TEST_F(UnreadImage, ALibraryOfTooManyDynamicEntries) {
  ElfBuilder library;
  library.soname("libcudart.so.12");
  for (int i = 0; i < 1'100; ++i) library.needs("libc.so.6");
  tree_.file(site_ + "/nvidia/cuda_runtime/lib/libcudart.so.12", library.build());
  expect_limit("dynamic entries");
}

}  // namespace
}  // namespace gpuinit::test
