// Every interpreter of this machine, asked and read: both must say the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "image/read_image.h"
#include "image/truth.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using test::Environment;
using testing::ElementsAreArray;
namespace fs = std::filesystem;

std::string home() { return std::getenv("HOME") == nullptr ? "/root" : std::getenv("HOME"); }

// Real Pythons outside of venvs: the distribution's and pyenv's.
std::vector<std::string> base_interpreters() {
  std::vector<std::string> found;
  for (const char* path : {"/usr/bin/python3", "/usr/local/bin/python3"})
    if (fs::exists(path)) found.emplace_back(path);
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator(home() + "/.pyenv/versions", ignored))
    // 3.6 and older double the standard library under -S; nobody runs torch there.
    if (fs::exists(version.path() / "bin/python3") && !fs::exists(version.path() / "bin/python3.6"))
      found.push_back((version.path() / "bin/python3").string());
  return found;
}

Environment plain() { return {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", home()}}; }

class RealInterpreter : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    tree_.file("work/probe.py", test::kProbe)
        .file("elsewhere/mod.py", "")
        .link("links/renamed.py", "../work/probe.py")
        .directory("work/zz")
        .directory("home");
    work_ = tree_.root() + "/work";
  }

  // Runs argv, which must end in the probe, and reads the same argv statically.
  void expect_truth(const std::vector<std::string>& argv, Environment environment = plain(),
                    std::string directory = "") {
    if (directory.empty()) directory = work_;
    const auto ran = test::run(argv, environment, directory);
    std::string shown;
    for (const auto& word : argv) shown += word + " ";
    SCOPED_TRACE(shown);
    ASSERT_EQ(ran.status, 0);
    const test::Truth truth = test::parse_truth(ran.output);
    auto root = base::RootFs::open("/");
    ASSERT_TRUE(root.ok());
    const ImageFacts facts = read_image({*root, "/", argv, environment, directory, ""});
    ASSERT_TRUE(facts.interpreter.known()) << facts.interpreter.reason();
    const Interpreter& read = *facts.interpreter;
    EXPECT_TRUE(read.from_command) << read.chosen_because;
    EXPECT_EQ(read.version.value_or(read.version.reason()), truth.version);
    EXPECT_EQ(read.soabi.value_or(read.soabi.reason()), truth.soabi);
    EXPECT_EQ(read.prefix.value_or(read.prefix.reason()), truth.prefix);
    EXPECT_EQ(read.base_prefix.value_or(read.base_prefix.reason()), truth.base_prefix);
    ASSERT_TRUE(read.sys_path.known()) << read.sys_path.reason();
    EXPECT_THAT(*read.sys_path, ElementsAreArray(truth.sys_path));
  }

  bool at_least(const std::string& python, int minor) const {
    return test::run({python, "-c",
                      "import sys; sys.exit(sys.version_info < (3, " + std::to_string(minor) + "))"},
                     plain(), work_)
               .status == 0;
  }

  // Every shape of command and every option that changes sys.path.
  void expect_truth_in_every_shape(const std::string& python) {
    expect_truth({python, "probe.py"});
    expect_truth({python, "-c", test::kProbe});
    expect_truth({python, "-m", "probe"});
    expect_truth({python, "-um", "probe"});
    expect_truth({python, "../links/renamed.py"});
    expect_truth({python, work_ + "/probe.py", "-S", "-I"}, plain(), tree_.root());
    for (const char* option : {"-I", "-E", "-s", "-S", "-Es", "-IS", "-B"})
      expect_truth({python, option, "probe.py"});
    expect_truth({python, "-W", "ignore", "-X", "utf8", "-I", "probe.py"});
    if (at_least(python, 11)) {
      expect_truth({python, "-P", "probe.py"});
      expect_truth({python, "-Pc", test::kProbe});
    }

    Environment environment = plain();
    environment["PYTHONSAFEPATH"] = "1";
    expect_truth({python, "probe.py"}, environment);
    expect_truth({python, "-E", "probe.py"}, environment);

    environment = plain();
    environment["PYTHONPATH"] =
        tree_.root() + "/elsewhere::zz:/nowhere:" + tree_.root() + "/elsewhere";
    expect_truth({python, "probe.py"}, environment);
    expect_truth({python, "-E", "probe.py"}, environment);
    expect_truth({python, "-I", "probe.py"}, environment);
    environment["PYTHONNOUSERSITE"] = "1";
    expect_truth({python, "probe.py"}, environment);

    environment = plain();
    environment["HOME"] = tree_.root() + "/home";
    for (int minor = 6; minor < 20; ++minor) {
      const std::string site =
          "home/.local/lib/python3." + std::to_string(minor) + "/site-packages/";
      tree_.file(site + "b.pth", "# comment\n\nextra\n" + tree_.root() + "/elsewhere\nmissing\n")
          .file(site + "a.pth", "../later  \n")
          .directory(site + "extra")
          .directory(site + "../later");
    }
    expect_truth({python, "probe.py"}, environment);
    expect_truth({python, "-s", "probe.py"}, environment);
    environment["PYTHONNOUSERSITE"] = "1";
    expect_truth({python, "probe.py"}, environment);
    environment = plain();
    environment["PYTHONUSERBASE"] = tree_.root() + "/home/.local";
    expect_truth({python, "probe.py"}, environment);
    expect_truth({python, "-E", "probe.py"}, environment);
    expect_truth({python, "-I", "probe.py"}, environment);
  }

  test::Tree tree_;
  std::string work_;
};

TEST_P(RealInterpreter, SaysWhatWeRead) { expect_truth_in_every_shape(GetParam()); }

TEST_P(RealInterpreter, SaysWhatWeReadWithPythonHome) {
  Environment environment = plain();
  environment["PYTHONHOME"] =
      fs::path(GetParam()).parent_path().parent_path().string();
  expect_truth({GetParam(), "probe.py"}, environment);
  expect_truth({GetParam(), "-E", "probe.py"}, environment);
}

TEST_P(RealInterpreter, SaysWhatWeReadThroughPathEnvAndShebangs) {
  Environment environment = plain();
  environment["PATH"] = tree_.root() + "/bin";
  tree_.link("bin/python3", GetParam())
      .link("bin/env", "/usr/bin/env")
      .executable("bin/console", "#!" + GetParam() + "\n" + test::kProbe)
      .executable("bin/quiet", "#!" + GetParam() + " -sE\n" + test::kProbe)
      .executable("bin/through-env", std::string("#!/usr/bin/env python3\n") + test::kProbe)
      .executable("bin/split",
                  std::string("#!/usr/bin/env -S X=1 PYTHONPATH=/usr python3 -s\n") + test::kProbe)
      .executable("bin/chain", "#!" + tree_.root() + "/bin/runs-python\n" + test::kProbe)
      .executable("bin/runs-python", "#!" + GetParam() + "\nimport runpy, sys\n" + test::kProbe)
      .executable("bin/trampoline", "#!/bin/sh\n'''exec' \"" + GetParam() +
                                        "\" \"$0\" \"$@\"\n' '''\n" + test::kProbe)
      .link("elsewhere/console", "../bin/console");
  for (const char* program :
       {"console", "quiet", "through-env", "split", "chain", "trampoline"})
    expect_truth({program}, environment);
  expect_truth({tree_.root() + "/elsewhere/console", "-S"}, environment);
  expect_truth({"../elsewhere/console", "-S"}, environment);
  expect_truth({"python3", "probe.py"}, environment);
  expect_truth({"env", "A=B", "python3", "probe.py"}, environment);
  expect_truth({"env", "-u", "HOME", "python3", "probe.py"}, environment);
  expect_truth({"env", "-C", "..", "python3", "-m", "work.probe"}, environment);
  expect_truth({"/usr/bin/env", "-i", "PATH=" + tree_.root() + "/bin", "python3", "-c",
                test::kProbe},
               environment);
  environment["PATH"] = "::" + tree_.root() + "/nothing";
  expect_truth({"python3", "../work/probe.py"}, environment, tree_.root() + "/bin");
}

TEST_P(RealInterpreter, SaysWhatWeReadInItsVenvs) {
  struct Case {
    const char* name;
    std::vector<std::string> options;
  };
  for (const Case& it : {Case{"plain", {}}, Case{"copies", {"--copies"}},
                         Case{"system", {"--system-site-packages"}},
                         Case{"system-copies", {"--system-site-packages", "--copies"}}}) {
    SCOPED_TRACE(it.name);
    const std::string venv = tree_.root() + "/venvs/" + it.name;
    std::vector<std::string> make{GetParam(), "-m", "venv", "--without-pip"};
    make.insert(make.end(), it.options.begin(), it.options.end());
    make.push_back(venv);
    const auto made = test::run(make, plain(), work_);
    ASSERT_EQ(made.status, 0) << made.output;
    const auto python = venv + "/bin/python";
    expect_truth({python, "probe.py"});
    expect_truth({venv + "/bin/python3", "-s", "probe.py"});
    for (const char* option : {"-I", "-S", "-E"}) expect_truth({python, option, "probe.py"});
    expect_truth({"./bin/python", "../../work/probe.py"}, plain(), venv);
    Environment environment = plain();
    environment["PYTHONUSERBASE"] = tree_.root() + "/home/.local";
    expect_truth({python, "probe.py"}, environment);
    environment["PATH"] = venv + "/bin:/usr/bin:/bin";
    environment["VIRTUAL_ENV"] = venv;
    expect_truth({"python", "probe.py"}, environment);
    // Called through a link outside of the venv, it is not a venv at all (3.11).
    tree_.link(std::string("through/") + it.name, python);
    expect_truth({tree_.root() + "/through/" + it.name, "probe.py"});
  }
}

INSTANTIATE_TEST_SUITE_P(OfThisMachine, RealInterpreter, testing::ValuesIn(base_interpreters()),
                         [](const auto& it) {
                           std::string name;
                           for (const char c : it.param)
                             name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace gpuinit::image
