// Names from strangers in all that the program writes: reports, errors, the termination log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/json.h"
#include "program/gpuinit_program.h"
#include "support/clean_output.h"
#include "support/healthy.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

// As a part of a path.
const std::string kName = kHostileBytes;

void expect_clean(const Ran& ran, const std::string& what) {
  EXPECT_EQ(unclean(ran.out), "") << what;
  EXPECT_EQ(unclean(ran.err), "") << what;
}

TEST(HostileNames, InEveryWordOfTheCommandLine) {
  const Tree tree;
  const std::string path = tree.at(kName);
  for (const Words& words :
       std::vector<Words>{{path},
                          {"--", kName},
                          {"--check", "--", path},
                          {"--check", "--", kName},
                          {"--check", "--root", path},
                          {"--check", "--node", path},
                          {"--check", "--image", path},
                          {"--check", "--image-config", path},
                          {"--check", "--policy", path},
                          {"--check", "--set", kName},
                          {"--check", "--set", kName + "=1"},
                          {"--check", "--set", "image.seal=" + path, "--verbose"},
                          {"--check", "--set", "seccomp.profile=" + path},
                          {"--check", "--set", "seccomp.deny=" + kName},
                          {"--check", "--set", "expect.torch=" + kName},
                          {"--check", "--set", "expect.packages." + kName + "=1"},
                          {"--check", "--format", kName},
                          {"--explain", kName},
                          {"--" + kName},
                          {"--seal", path + "/seal", "--no-run", "--", path},
                          {"--seal", "/proc/" + kName, "--no-run", "--root", path},
                          {"--print-policy", "--policy", path}}) {
    const Ran ran = gpuinit(words);
    expect_clean(ran, testing::PrintToString(words));
    EXPECT_NE(ran.err, "") << testing::PrintToString(words);
    EXPECT_EQ(lines_with(ran.err, "gpuinit: ") + lines_with(ran.err, "gpuinit [") +
                  lines_with(ran.err, "Try `gpuinit --help`."),
              lines_with(ran.err, ""))
        << ran.err;
  }
}

TEST(HostileNames, InThePolicyAndTheEnvironment) {
  const Tree tree;
  const std::string setting = "python.interpreter=/x\u202e\u200b\ufeff";
  for (const Words& format : std::vector<Words>{{}, {"--format", "json"}}) {
    Words words{"--print-policy", "--set", setting};
    words.insert(words.end(), format.begin(), format.end());
    const Ran ran = gpuinit(words);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    expect_clean(ran, "--print-policy");
    EXPECT_THAT(ran.out, HasSubstr("\\u202e"));
  }
  for (const char* name : {
         "GPUINIT_SET", "GPUINIT_POLICY", "PATH", "PYTHONPATH", "LD_LIBRARY_PATH",
#if !defined(__SANITIZE_ADDRESS__)  // the program has a loader then, which says the name itself
             "LD_PRELOAD",
#endif
             "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"
       })
    for (const Words& verb : std::vector<Words>{{"--check", "--verbose", "--", "python3"},
                                                {"--check", "--format", "json"},
                                                {"--facts"},
                                                {"--print-policy"}})
      expect_clean(gpuinit(verb, clean({{name, kHostileBytes}})), name);
}

// A library that is needed, a file, a package and a script of such a name.
TEST(HostileNames, InTheFilesOfAnImage) {
  Tree tree;
  PyTorchImage image;
  image.write_to(tree);
  const std::string site = image.site_packages();
  tree.file(site + "/torch/lib/libtorch_cpu.so",
            ElfBuilder().soname(kHostileBytes).needs("lib" + kHostileBytes + ".so").build());
  tree.file(site + "/" + kName + ".pth", "import " + kHostileBytes + "\n");
  tree.file(site + "/" + kName + ".so", ElfBuilder().needs(kHostileBytes).build());
  tree.file(site + "/bad-1.dist-info/METADATA",
            "Name: bad\nVersion: 1" + kHostileBytes + "\nRequires-Dist: " + kHostileBytes + "\n");
  tree.executable("start.sh", "#!/bin/sh\nexec " + kHostileBytes + " \"$@\"\n");
  tree.file("log", "").file("node.json", kH100Node);
  const Words words{"--root",  tree.root(),
                    "--node",  tree.at("node.json"),
                    "--set",   "report.termination-log=" + tree.at("log").string(),
                    "--set",   "checks.python.packages=fail",
                    "--check", "--verbose"};
  for (const Words& more : std::vector<Words>{{"--", "python3", "-c", kHostileBytes},
                                              {"--", "/start.sh"},
                                              {"--", "python3", kName},
                                              {"--format", "json", "--", "python3"}}) {
    Words all = words;
    all.insert(all.end(), more.begin(), more.end());
    const Ran ran = gpuinit(all);
    expect_clean(ran, testing::PrintToString(more));
    if (more.back() == "/start.sh") continue;  // not followed: a warning
    EXPECT_EQ(ran.exit_code, 65) << ran.err;
    std::ifstream log(tree.at("log"), std::ios::binary);
    const std::string logged{std::istreambuf_iterator<char>(log), {}};
    EXPECT_EQ(unclean(logged), "");
    EXPECT_THAT(logged, HasSubstr("run evil"));
    EXPECT_EQ(lines_with(logged, "    fix: run"), 0U) << logged;
  }
}

// The facts of the image keep the names: what is saved is what is judged again.
TEST(HostileNames, SurviveASavedFile) {
  Tree tree;
  tree.file("node.json", kH100Node);
  tree.executable("usr/bin/" + kHostileName, ElfBuilder().build());
  const Ran saved = gpuinit({"--facts", "--root", tree.root(), "--node", tree.at("node.json"), "--",
                             "/usr/bin/" + kHostileName});
  ASSERT_EQ(saved.exit_code, 0) << saved.err;
  expect_clean(saved, "--facts");
  const auto facts = base::parse_json(saved.out);
  ASSERT_TRUE(facts.ok());
  const auto* command = facts->find("image")->find("command")->as_array();
  ASSERT_NE(command, nullptr);
  EXPECT_EQ(*command->front().as_string(), "/usr/bin/" + kHostileName);
}

}  // namespace
}  // namespace gpuinit::test
