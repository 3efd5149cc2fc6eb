// What images say of their own start, in the forms in which the tools print it.
#include "image/config/image_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tree.h"

namespace gpuinit::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// The error, or "" if there is none.
std::string error_of(std::string_view text) {
  const auto config = parse_image_config(text);
  return config ? "" : config.error().message;
}

TEST(ImageConfig, OfDockerInspect) {
  const auto config = parse_image_config(R"([{
    "Id": "sha256:0123", "RepoTags": ["vllm/vllm-openai:v0.12.0"], "Architecture": "amd64",
    "Config": {
      "Hostname": "", "User": "1000:100", "ExposedPorts": {"8000/tcp": {}},
      "Env": ["PATH=/opt/venv/bin:/usr/bin", "NVIDIA_REQUIRE_CUDA=cuda>=12.8 brand=a,driver>=535",
              "EMPTY=", "=odd", "NOTHING"],
      "Cmd": ["--help"], "Image": "", "WorkingDir": "/app", "Entrypoint": ["vllm", "serve"],
      "Labels": {"a": "b"}},
    "RootFS": {"Type": "layers"}}])");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(
      config->environment,
      ElementsAre(Pair("EMPTY", ""), Pair("NVIDIA_REQUIRE_CUDA", "cuda>=12.8 brand=a,driver>=535"),
                  Pair("PATH", "/opt/venv/bin:/usr/bin")));
  EXPECT_THAT(config->entrypoint, ElementsAre("vllm", "serve"));
  EXPECT_THAT(config->command, ElementsAre("--help"));
  EXPECT_EQ(config->working_directory, "/app");
  EXPECT_EQ(config->user, "1000:100");
}

TEST(ImageConfig, LeavesOutWhatIsNullOrNotThere) {
  const auto config = parse_image_config(
      R"([{"Config": {"Env": null, "Cmd": null, "Entrypoint": null, "WorkingDir": "", "User": ""}}])");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->environment, IsEmpty());
  EXPECT_THAT(config->entrypoint, IsEmpty());
  EXPECT_THAT(config->command, IsEmpty());
  EXPECT_EQ(config->working_directory, "/");
  EXPECT_EQ(config->user, "");
}

TEST(ImageConfig, OfSkopeoAndCrane) {
  const auto config = parse_image_config(R"({"created": "2026-01-01T00:00:00Z",
    "architecture": "amd64", "os": "linux",
    "config": {"Env": ["A=b=c"], "Entrypoint": ["/entry.sh"], "WorkingDir": "srv"},
    "rootfs": {"type": "layers", "diff_ids": []}, "history": []})");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->environment, ElementsAre(Pair("A", "b=c")));
  EXPECT_THAT(config->entrypoint, ElementsAre("/entry.sh"));
  EXPECT_EQ(config->working_directory, "/srv");
}

TEST(ImageConfig, OfBuildahInspect) {
  const auto config = parse_image_config(R"({"Type": "buildah 0.0.1", "FromImage": "",
    "OCIv1": {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["bash"]}},
    "Docker": {"config": {"Cmd": ["sh"]}}})");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->command, ElementsAre("bash"));
}

TEST(ImageConfig, OfARuntimeBundle) {
  const auto config = parse_image_config(R"({"ociVersion": "1.2.0",
    "process": {"terminal": false, "user": {"uid": 1000, "gid": 100},
                "args": ["tini", "--", "python", "train.py"],
                "env": ["PATH=/usr/bin"], "cwd": "/workspace"},
    "root": {"path": "rootfs"}, "mounts": []})");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->command, ElementsAre("tini", "--", "python", "train.py"));
  EXPECT_THAT(config->environment, ElementsAre(Pair("PATH", "/usr/bin")));
  EXPECT_EQ(config->working_directory, "/workspace");
  EXPECT_EQ(config->user, "1000");
}

TEST(ImageConfig, OfSomethingElseNamesThePlace) {
  EXPECT_THAT(error_of(""), HasSubstr("line 1, column 1:"));
  EXPECT_THAT(error_of("[{\"Config\": {\"Env\": [}]"), HasSubstr("line 1, column 22"));
  EXPECT_THAT(error_of("[]"), HasSubstr("expected one image, got 0"));
  EXPECT_THAT(error_of(R"([{"Config": {}}, {"Config": {}}])"), HasSubstr("got 2"));
  EXPECT_THAT(error_of("{}"), HasSubstr("docker inspect IMAGE"));
  EXPECT_THAT(error_of(R"({"config": {"Env": "A=b"}})"), HasSubstr("config.Env"));
  EXPECT_THAT(error_of(R"({"config": {"Cmd": [1]}})"), HasSubstr("config.Cmd"));
  EXPECT_THAT(error_of(R"({"config": {"User": 5}})"), HasSubstr("config.User"));
  EXPECT_THAT(error_of(R"({"process": {"args": {}}})"), HasSubstr("process.args"));
  EXPECT_THAT(error_of(R"([{"Config": []}])"), HasSubstr("Config"));
  EXPECT_THAT(error_of("3"), HasSubstr("expected"));
}

TEST(ImageConfig, FileOfEnroot) {
  test::Tree tree;
  tree.file("etc/environment", "# comment\nPATH=/usr/bin\nQUOTED=\"a b\"\nX='1'\nno equals\n")
      .file("etc/rc",
            "mkdir -p /srv\ncd /srv\nif [ -s /etc/rc.local ]; then . /etc/rc.local; fi\n"
            "exec python \"$@\"\n");
  for (const char* file : {"etc/rc", "etc/environment"}) {
    const auto config = read_image_config(tree.at(file));
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_THAT(config->environment,
                ElementsAre(Pair("PATH", "/usr/bin"), Pair("QUOTED", "a b"), Pair("X", "1")));
    EXPECT_THAT(config->entrypoint, ElementsAre("/bin/sh", "/etc/rc"));
  }
}

TEST(ImageConfig, DirectoryOfApptainer) {
  test::Tree tree;
  tree.executable(".singularity.d/runscript", "#!/bin/sh\nexec python \"$@\"\n");
  const auto config = read_image_config(tree.at(".singularity.d"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->entrypoint.front(), "/bin/sh");
  EXPECT_THAT(config->entrypoint[2], HasSubstr("/.singularity.d/runscript"));
}

TEST(ImageConfig, FileThatIsNotThereOrTooLarge) {
  test::Tree tree;
  EXPECT_THAT(read_image_config(tree.at("nosuch")).error().message, HasSubstr("nosuch"));
  tree.file("bad.json", "{\n  \"config\": }\n");
  EXPECT_THAT(read_image_config(tree.at("bad.json")).error().message,
              testing::AllOf(HasSubstr("bad.json"), HasSubstr("line 2, column 13")));
  tree.file("large.json", std::string(5UL << 20, ' '));
  EXPECT_FALSE(read_image_config(tree.at("large.json")).ok());
}

TEST(ImageConfig, UserIsFoundInTheImage) {
  test::Tree tree;
  tree.file("etc/passwd", "root:x:0:0::/root:/bin/sh\nray:x:1000:100::/home/ray:/bin/bash\n");
  const auto root = base::RootFs::open(tree.root());
  const auto uid_of = [&](const char* user) {
    ImageConfig config;
    config.user = user;
    return user_of(*root, config);
  };
  EXPECT_EQ(uid_of(""), 0U);
  EXPECT_EQ(uid_of("ray"), 1000U);
  EXPECT_EQ(uid_of("ray:100"), 1000U);
  EXPECT_EQ(uid_of("1234"), 1234U);
  EXPECT_EQ(uid_of("1234:5"), 1234U);
  EXPECT_EQ(uid_of("nosuch"), std::nullopt);
}

}  // namespace
}  // namespace gpuinit::image
