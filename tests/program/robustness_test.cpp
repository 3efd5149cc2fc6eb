// Whatever becomes of one file of the image: an answer, a documented exit code, no hang.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <set>

#include "program/gpuinit_program.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

namespace fs = std::filesystem;

class Robustness : public testing::Test {
 protected:
  void SetUp() override {
    image_.ptx = {"120"};
    image_.write_to(tree_);
    node_.file("node.json", kH100Node);
    for (const auto& entry : fs::recursive_directory_iterator(tree_.root()))
      if (entry.is_regular_file() && !entry.is_symlink()) files_.push_back(entry.path());
    ASSERT_GT(files_.size(), 15U);
  }

  Ran check() {
    RunOptions options = clean();
    options.timeout = std::chrono::seconds(20);
    return gpuinit(
        {"--check", "--root", tree_.root(), "--node", node_.at("node.json"), "--format", "json"},
        options);
  }

  // Replaces each file in turn by what `harm` makes of it, and puts it back.
  void for_each_file(const std::function<void(const fs::path&, const std::string& content)>& harm) {
    static const std::set<int> kDocumented{0, 65, 66, 69, 75, 77};
    for (const auto& file : files_) {
      std::ifstream in(file, std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(in), {}};
      struct stat status {};
      ASSERT_EQ(::stat(file.c_str(), &status), 0);
      harm(file, content);
      const Ran ran = check();
      EXPECT_FALSE(ran.timed_out) << file;
      EXPECT_TRUE(kDocumented.contains(ran.exit_code)) << file << " " << ran.exit_code << ran.err;
      EXPECT_THAT(ran.out, testing::StartsWith("{")) << file;
      fs::remove_all(file);
      std::ofstream(file, std::ios::binary) << content;
      ::chmod(file.c_str(), status.st_mode & 07777);
    }
    EXPECT_EQ(check().exit_code, 0) << "the image is as it was";
  }

  static void write(const fs::path& file, const std::string& content) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
  }

  Tree tree_;
  Tree node_;
  PyTorchImage image_;
  std::vector<fs::path> files_;
};

TEST_F(Robustness, AFileThatIsCutOff) {
  for (const double part : {0.0, 0.01, 0.3, 0.9})
    for_each_file([part](const fs::path& file, const std::string& content) {
      write(file, content.substr(
                      0, static_cast<std::size_t>(static_cast<double>(content.size()) * part)));
    });
}

TEST_F(Robustness, AFileWithWrongBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 5; ++round)
    for_each_file([&random](const fs::path& file, const std::string& content) {
      std::string wrong = content;
      for (std::size_t i = 0; i < wrong.size() / 50 + 1 && !wrong.empty(); ++i)
        wrong[random() % std::min<std::size_t>(wrong.size(), 2048)] = static_cast<char>(random());
      write(file, wrong);
    });
}

TEST_F(Robustness, ADirectoryWhereAFileShouldBe) {
  for_each_file([](const fs::path& file, const std::string&) {
    fs::remove(file);
    fs::create_directory(file);
  });
}

TEST_F(Robustness, AFifoWhereAFileShouldBe) {
  for_each_file([](const fs::path& file, const std::string&) {
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0644), 0);
  });
}

TEST_F(Robustness, ALinkToItselfWhereAFileShouldBe) {
  for_each_file([](const fs::path& file, const std::string&) {
    fs::remove(file);
    fs::create_symlink(file.filename(), file);
  });
}

TEST_F(Robustness, AMissingFile) {
  for_each_file([](const fs::path& file, const std::string&) { fs::remove(file); });
}

}  // namespace
}  // namespace gpuinit::test
