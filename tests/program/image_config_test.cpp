// --image-config: an unpacked image is judged as it would be started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "program/gpuinit_program.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ImageConfigOption : public testing::Test {
 protected:
  ImageConfigOption() {
    image_.write_to(tree_);
    node_.file("node.json", kH100Node);
    tree_.file("etc/passwd", "root:x:0:0::/root:/bin/sh\nray:x:1000:100::/home/ray:/bin/bash\n");
    // Found only with the image's own PATH.
    tree_.executable("opt/start", "#!/usr/local/bin/python3\nimport torch\n");
  }

  Ran check(const std::string& config, std::vector<std::string> more = {}) {
    node_.file("config.json", config);
    return check_file(node_.at("config.json"), std::move(more));
  }
  Ran check_file(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{
        "--check", "--root", tree_.root(), "--node", node_.at("node.json"), "--image-config", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return gpuinit(arguments);
  }

  Tree tree_;
  Tree node_;
  PyTorchImage image_;
};

constexpr char kConfig[] = R"([{"Config": {
  "Env": ["PATH=/opt:/usr/local/bin", "NVIDIA_REQUIRE_CUDA=cuda>=12.8"],
  "Entrypoint": ["start"], "Cmd": ["--flag"], "WorkingDir": "/opt", "User": "ray"}}])";

TEST_F(ImageConfigOption, GivesCommandAndEnvironment) {
  const Ran ran = check(kConfig, {"--verbose"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("/opt/start"));
  EXPECT_THAT(ran.err, Not(HasSubstr("undecided: cuda.require")));
}

TEST_F(ImageConfigOption, TellsWhatTheImageRequires) {
  const Ran ran = check(
      R"({"config": {"Env": ["PATH=/usr/local/bin", "NVIDIA_REQUIRE_CUDA=cuda>=13.5"],
          "Cmd": ["python3", "train.py"]}})");
  EXPECT_EQ(ran.exit_code, 66) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("FAIL cuda.require"));
}

TEST_F(ImageConfigOption, CommandStandsInPlaceOfTheImagesCmd) {
  tree_.executable("opt/entry", "#!/opt/nosuch\n");
  const char* config = R"([{"Config": {"Env": ["PATH=/opt:/usr/local/bin"],
                           "Entrypoint": ["env", "A=1"], "Cmd": ["/opt/entry"]}}])";
  tree_.executable("opt/env", ElfBuilder().needs("libc.so.6").build());
  const Ran ran = check(config, {"--format", "json", "--", "python3", "train.py"});
  EXPECT_EQ(ran.exit_code, 0) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("run by env"));
}

TEST_F(ImageConfigOption, ABrokenImageFailsWithoutAnyCommandGiven) {
  image_.torch_tag = "cpython-310";
  image_.write_to(tree_);
  std::filesystem::remove(
      tree_.at("usr/local/lib/python3.12/site-packages/torch/"
               "_C.cpython-312-x86_64-linux-gnu.so"));
  const Ran ran = check(kConfig);
  EXPECT_EQ(ran.exit_code, 65) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("FAIL python.abi"));
}

TEST_F(ImageConfigOption, SaysWhereAConfigIsWrong) {
  Ran ran = check("{\n  \"config\": {\"Env\": 3}}\n");
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_THAT(ran.err, HasSubstr("--image-config"));
  EXPECT_THAT(ran.err, HasSubstr("config.json"));
  EXPECT_THAT(ran.err, HasSubstr("config.Env"));
  ran = check("{\n  \"config\": \n");
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_THAT(ran.err, HasSubstr("config.json"));
  ran = check_file("/nosuch.json");
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_THAT(ran.err, HasSubstr("/nosuch.json"));
}

TEST_F(ImageConfigOption, IsReadFromStandardInput) {
  node_.file("config.json", kConfig);
  const Ran ran = run_program(
      {"/bin/sh", "-c", "exec \"$@\" <\"$0\"", node_.at("config.json"), GPUINIT_BINARY, "--check",
       "--root", tree_.root(), "--node", node_.at("node.json"), "--image-config", "-"},
      clean());
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
}

TEST_F(ImageConfigOption, ImagesOfEnrootAndApptainer) {
  tree_.executable("bin/sh", ElfBuilder().needs("libc.so.6").build());
  tree_.file("etc/environment", "PATH=/opt:/usr/local/bin:/bin\n");
  tree_.file("etc/rc", "cd /opt || exit 1\nexec start \"$@\"\n");
  Ran ran = check_file(tree_.at("etc/environment"), {"--verbose"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("/opt/start"));
  tree_.file(".singularity.d/env/10-docker2singularity.sh",
             "#!/bin/sh\nexport PATH=\"/opt:/usr/local/bin:/bin\"\n");
  tree_.executable(".singularity.d/runscript", "#!/bin/sh\nexec start \"$@\"\n");
  ran = check_file(tree_.at(".singularity.d"), {"--verbose"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("/opt/start"));
}

TEST_F(ImageConfigOption, AnEntryPointThatIsNotThereIsAStartThatFails) {
  const Ran ran = check(R"({"config": {"Entrypoint": ["/nosuch"]}})");
  EXPECT_EQ(ran.exit_code, 127) << ran.err;
}

}  // namespace
}  // namespace gpuinit::test
