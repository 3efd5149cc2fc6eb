// Every interpreter of this machine and of the fetched Debian trees, asked and read:
// both must say the same.
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

struct Python {
  std::string path;
  std::vector<std::string> launcher;  // the loader of its own distribution; empty: runs as it is
};

// Real Pythons outside of venvs: the distribution's and pyenv's.
std::vector<Python> of_this_machine() {
  std::vector<Python> found;
  for (const char* path : {"/usr/bin/python3", "/usr/local/bin/python3"})
    if (fs::exists(path)) found.push_back({path, {}});
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator(home() + "/.pyenv/versions", ignored))
    // 3.6 and older double the standard library under -S; torch does not run there.
    if (fs::exists(version.path() / "bin/python3") && !fs::exists(version.path() / "bin/python3.6"))
      found.push_back({(version.path() / "bin/python3").string(), {}});
  return found;
}

// Debian 11, 12, 13 and sid, with the loader and the libraries of each.
std::vector<Python> of_the_cache() {
  std::vector<Python> found;
  for (const char* version : {"3.9", "3.11", "3.13", "3.14"}) {
    const std::string tree = test::inputs().native() + "/python/" + version;
    const std::string libraries = tree + "/usr/lib/x86_64-linux-gnu";
    std::string loader = libraries + "/ld-linux-x86-64.so.2";
    for (const auto& directory : {tree + "/lib/x86_64-linux-gnu", libraries})
      for (const char* name : {"/ld-2.31.so", "/ld-linux-x86-64.so.2"})
        if (fs::is_regular_file(directory + name)) loader = directory + name;
    found.push_back({tree + "/usr/bin/python" + version,
                     {loader, "--library-path", tree + "/lib/x86_64-linux-gnu:" + libraries}});
  }
  return found;
}

Environment plain() { return {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", home()}}; }

class RealInterpreter : public testing::TestWithParam<Python> {
 protected:
  void SetUp() override {
    tree_.file("srv/probe.py", test::kProbe)
        .file("elsewhere/mod.py", "")
        .link("links/renamed.py", "../srv/probe.py")
        .directory("srv/zz")
        .directory("home");
    work_ = tree_.root() + "/srv";
  }

  // Runs argv, which must end in the probe, and reads the same argv statically.
  void expect_truth(const std::vector<std::string>& argv, Environment environment = plain(),
                    std::string directory = "") {
    if (directory.empty()) directory = work_;
    std::vector<std::string> words = GetParam().launcher;
    words.insert(words.end(), argv.begin(), argv.end());
    const auto ran = test::run(words, environment, directory);
    std::string shown;
    for (const auto& word : argv) shown += word + " ";
    SCOPED_TRACE(shown);
    ASSERT_EQ(ran.exit_code, 0);
    const test::Truth truth = test::parse_truth(ran.out);
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
    std::vector<std::string> words = GetParam().launcher;
    words.insert(words.end(),
                 {python, "-c",
                  "import sys; sys.exit(sys.version_info < (3, " + std::to_string(minor) + "))"});
    return test::run(words, plain(), work_).exit_code == 0;
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

TEST_P(RealInterpreter, SaysWhatWeRead) { expect_truth_in_every_shape(GetParam().path); }

TEST_P(RealInterpreter, SaysWhatWeReadWithPythonHome) {
  Environment environment = plain();
  environment["PYTHONHOME"] = fs::path(GetParam().path).parent_path().parent_path().string();
  expect_truth({GetParam().path, "probe.py"}, environment);
  expect_truth({GetParam().path, "-E", "probe.py"}, environment);
}

TEST_P(RealInterpreter, SaysWhatWeReadThroughPathEnvAndShebangs) {
  if (!GetParam().launcher.empty()) return;  // no shebang can name its loader
  const std::string python = GetParam().path;
  Environment environment = plain();
  environment["PATH"] = tree_.root() + "/bin";
  tree_.link("bin/python3", python)
      .link("bin/env", "/usr/bin/env")
      .executable("bin/console", "#!" + python + "\n" + test::kProbe)
      .executable("bin/quiet", "#!" + python + " -sE\n" + test::kProbe)
      .executable("bin/through-env", std::string("#!/usr/bin/env python3\n") + test::kProbe)
      .executable("bin/split",
                  std::string("#!/usr/bin/env -S X=1 PYTHONPATH=/usr python3 -s\n") + test::kProbe)
      .executable("bin/chain", "#!" + tree_.root() + "/bin/runs-python\n" + test::kProbe)
      .executable("bin/runs-python", "#!" + python + "\nimport runpy, sys\n" + test::kProbe)
      .executable("bin/trampoline",
                  "#!/bin/sh\n'''exec' \"" + python + "\" \"$0\" \"$@\"\n' '''\n" + test::kProbe)
      .link("elsewhere/console", "../bin/console");
  for (const char* program : {"console", "quiet", "through-env", "split", "chain", "trampoline"})
    expect_truth({program}, environment);
  expect_truth({tree_.root() + "/elsewhere/console", "-S"}, environment);
  expect_truth({"../elsewhere/console", "-S"}, environment);
  expect_truth({"python3", "probe.py"}, environment);
  expect_truth({"env", "A=B", "python3", "probe.py"}, environment);
  expect_truth({"env", "-u", "HOME", "python3", "probe.py"}, environment);
  expect_truth({"env", "-C", "..", "python3", "-m", "srv.probe"}, environment);
  expect_truth(
      {"/usr/bin/env", "-i", "PATH=" + tree_.root() + "/bin", "python3", "-c", test::kProbe},
      environment);
  environment["PATH"] = "::" + tree_.root() + "/nothing";
  expect_truth({"python3", "../srv/probe.py"}, environment, tree_.root() + "/bin");
}

TEST_P(RealInterpreter, SaysWhatWeReadInItsVenvs) {
  struct Case {
    const char* name;
    std::vector<std::string> options;
  };
  for (const Case& it :
       {Case{"plain", {}}, Case{"copies", {"--copies"}}, Case{"system", {"--system-site-packages"}},
        Case{"system-copies", {"--system-site-packages", "--copies"}}}) {
    SCOPED_TRACE(it.name);
    const std::string venv = tree_.root() + "/venvs/" + it.name;
    std::vector<std::string> make = GetParam().launcher;
    make.insert(make.end(), {GetParam().path, "-m", "venv", "--without-pip"});
    make.insert(make.end(), it.options.begin(), it.options.end());
    make.push_back(venv);
    const auto made = test::run(make, plain(), work_);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const auto python = venv + "/bin/python";
    expect_truth({python, "probe.py"});
    expect_truth({venv + "/bin/python3", "-s", "probe.py"});
    for (const char* option : {"-I", "-S", "-E"}) expect_truth({python, option, "probe.py"});
    expect_truth({"./bin/python", "../../srv/probe.py"}, plain(), venv);
    Environment environment = plain();
    environment["PYTHONUSERBASE"] = tree_.root() + "/home/.local";
    expect_truth({python, "probe.py"}, environment);
    if (!GetParam().launcher.empty()) continue;  // a loader wants a path, and the right prefix
    environment["PATH"] = venv + "/bin:/usr/bin:/bin";
    environment["VIRTUAL_ENV"] = venv;
    expect_truth({"python", "probe.py"}, environment);
    // Called through a link outside of the venv, it is not a venv at all (3.11).
    tree_.link(std::string("through/") + it.name, python);
    expect_truth({tree_.root() + "/through/" + it.name, "probe.py"});
  }
}

// pyenv chooses among its versions in a shell script; asked through its shims.
class RealPyenv : public RealInterpreter {};

TEST_P(RealPyenv, ChoosesTheVersionThatWeRead) {
  const std::string shims = home() + "/.pyenv/shims";
  Environment environment = plain();
  environment["PATH"] = shims + ":/usr/bin:/bin";
  for (const char* version :
       {"3.12.1", "3.12", "python-3.10", "3.9:3.12", "system", "3.13.0:system"}) {
    SCOPED_TRACE(version);
    environment["PYENV_VERSION"] = version;
    expect_truth({"python3", "probe.py"}, environment);
    expect_truth({shims + "/python3", "-I", "probe.py"}, environment);
  }
  environment.erase("PYENV_VERSION");
  expect_truth({"python", "probe.py"}, environment);  // the global version
  tree_.file(".python-version", "# the project's\n3.10.13\n3.12\n");
  expect_truth({"python", "probe.py"}, environment);
  tree_.file("srv/.python-version", "3.8");
  expect_truth({"python", "probe.py"}, environment);
  environment["PYENV_DIR"] = tree_.root();
  expect_truth({"python", "probe.py"}, environment);
}

std::vector<Python> pyenv_of_this_machine() {
  if (!fs::exists(home() + "/.pyenv/shims/python3")) return {};
  return {{home() + "/.pyenv/shims/python3", {}}};
}

void PrintTo(const Python& python, std::ostream* out) { *out << python.path; }

std::string name_of(const testing::TestParamInfo<Python>& it) {
  std::string name;
  for (const char c : it.param.path)
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(OfThisMachine, RealInterpreter, testing::ValuesIn(of_this_machine()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(OfThisMachine, RealPyenv, testing::ValuesIn(pyenv_of_this_machine()),
                         name_of);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RealPyenv);
INSTANTIATE_TEST_SUITE_P(OfTheCache, RealInterpreter, testing::ValuesIn(of_the_cache()), name_of);

}  // namespace
}  // namespace gpuinit::image
