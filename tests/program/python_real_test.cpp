// The Python probe of the whole program on real Pythons and real torches: what the files
// said and what the running interpreter says are the same, or the difference is told.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "program/gpuinit_program.h"
#include "support/inputs_cache.h"
#include "support/running_program.h"

namespace gpuinit::test {
namespace {

using base::Json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace fs = std::filesystem;

constexpr char kDebian[] = "/usr/bin/python3";

// gpuinit as it is installed: with the programs of libexec beside it. A second name for the
// binary, where a file can have one: a copy of one with sanitizers is a hundred megabytes.
std::string installed_gpuinit() {
  static const Tree tree;
  const fs::path path = tree.at("bin/gpuinit");
  if (fs::exists(path)) return path.string();
  fs::create_directories(tree.at("bin"));
  fs::create_directories(tree.at("libexec"));
  std::error_code other_filesystem;
  fs::create_hard_link(GPUINIT_BINARY, path, other_filesystem);
  if (other_filesystem) fs::copy_file(GPUINIT_BINARY, path);
  if (fs::exists(GPUINIT_PYTHON_PROBES))
    fs::create_directory_symlink(GPUINIT_PYTHON_PROBES, tree.at("libexec/gpuinit"));
  return path.string();
}

std::string text(const Json* json, std::initializer_list<const char*> path) {
  for (const char* key : path) json = json != nullptr ? json->find(key) : nullptr;
  return json != nullptr && json->as_string() != nullptr ? *json->as_string() : "";
}

std::vector<std::string> texts(const Json* json, std::initializer_list<const char*> path) {
  for (const char* key : path) json = json != nullptr ? json->find(key) : nullptr;
  std::vector<std::string> items;
  if (json != nullptr && json->as_array() != nullptr)
    for (const Json& item : *json->as_array())
      if (item.as_string() != nullptr) items.push_back(*item.as_string());
  return items;
}

// What `gpuinit --check --json` reports about the Python probe.
struct Report {
  int exit_code = -1;
  Json json;
  std::vector<std::string> findings;  // "fail python.import", of the probe's checks

  const Json* image() const {
    const Json* facts = json.find("facts");
    return facts != nullptr ? facts->find("image") : nullptr;
  }
  const Json* probe() const { return image() != nullptr ? image()->find("python_probe") : nullptr; }
  std::string summary(const std::string& id) const {
    for (const Json& finding : *json.find("findings")->as_array())
      if (text(&finding, {"id"}) == id) return text(&finding, {"summary"});
    return "";
  }
};

Report check(std::vector<std::string> command, const std::string& mode, RunOptions options,
             const std::string& imports = "[]", std::vector<std::string> more = {}) {
  std::vector<std::string> argv{
      installed_gpuinit(),        "--check", "--format=json",        "--set",
      "gpu.required=no",          "--set",   "python.probe=" + mode, "--set",
      "python.imports=" + imports};
  argv.insert(argv.end(), more.begin(), more.end());
  argv.emplace_back("--");
  argv.insert(argv.end(), command.begin(), command.end());
  options.timeout = std::chrono::minutes(4);
  const Ran ran = run_program(argv, options);
  Report report;
  report.exit_code = ran.exit_code;
  auto json = base::parse_json(ran.out);
  EXPECT_TRUE(json.ok()) << ran.out << ran.err;
  if (!json) return report;
  report.json = *json;
  for (const Json& finding : *report.json.find("findings")->as_array()) {
    const std::string id = text(&finding, {"id"});
    if (id == "python.import" || id == "probe.disagrees")
      report.findings.push_back(text(&finding, {"severity"}) + " " + id);
  }
  return report;
}

// The interpreter was heard, and everything that was read from its files is what it says.
// `directory`: the command's, which "" on sys.path stands for.
void expect_agreement(const Report& report, const std::string& directory,
                      const std::string& root = "") {
  ASSERT_NE(report.probe(), nullptr);
  EXPECT_EQ(text(report.probe(), {"run", "outcome"}), "answered")
      << text(report.probe(), {"run", "detail"});
  EXPECT_THAT(report.findings, Not(Contains("warn probe.disagrees")))
      << report.summary("probe.disagrees");
  for (const char* key : {"version", "soabi", "prefix", "base_prefix"})
    EXPECT_EQ(text(report.image(), {"interpreter", key}), text(report.probe(), {key})) << key;
  std::vector<std::string> existing;
  for (const std::string& entry : texts(report.probe(), {"sys_path"})) {
    if (entry.empty()) existing.push_back(directory);
    else if (fs::exists(root + entry)) existing.push_back(entry);
  }
  EXPECT_EQ(texts(report.image(), {"interpreter", "sys_path"}), existing);
}

class PythonReal : public testing::Test {
 protected:
  RunOptions options(std::map<std::string, std::string> more = {}) {
    RunOptions options = clean(std::move(more));
    options.directory = tree_.root();
    return options;
  }
  Tree tree_;
};

// --- Debian's Python, with and without torch -----------------------------------

TEST_F(PythonReal, DebiansPythonAgrees) {
  if (!fs::exists(kDebian)) GTEST_SKIP() << "there is no " << kDebian;
  tree_.file("train.py");
  expect_agreement(check({kDebian, "train.py"}, "environment", options()), tree_.root());
}

TEST_F(PythonReal, DebiansTorchIsImportedAndAgrees) {
  if (!fs::exists("/usr/lib/python3/dist-packages/torch")) GTEST_SKIP() << "no python3-torch";
  tree_.file("train.py");
  const Report report = check({kDebian, "train.py"}, "import", options(), "[\"numpy\"]");
  expect_agreement(report, tree_.root());
  EXPECT_EQ(text(report.image(), {"torch", "version"}), text(report.probe(), {"torch", "version"}));
  EXPECT_THAT(text(report.probe(), {"torch", "config"}), HasSubstr("PyTorch built with"));
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.exit_code, 0);
}

TEST_F(PythonReal, AModuleThatIsNotThereFailsTheImageWithItsException) {
  if (!fs::exists(kDebian)) GTEST_SKIP() << "there is no " << kDebian;
  const auto made =
      run_program({kDebian, "-m", "venv", "--without-pip", tree_.at("venv").string()});
  if (made.exit_code != 0) GTEST_SKIP() << "venv: " << made.out << made.err;
  const std::string python = tree_.at("venv/bin/python").string();
  const Report report = check({python, "-c", "1"}, "import", options(), "[\"flash_attn\"]");
  expect_agreement(report, tree_.root());
  EXPECT_EQ(report.exit_code, 65);
  EXPECT_EQ(report.summary("python.import"),
            "import flash_attn fails: ModuleNotFoundError: No module named 'flash_attn'");
  EXPECT_EQ(text(report.probe(), {"prefix"}), tree_.at("venv").string());
}

// The files say it first; the probe adds nothing of its own.
TEST_F(PythonReal, ABrokenTorchIsToldOnce) {
  if (!fs::exists(kDebian)) GTEST_SKIP() << "there is no " << kDebian;
  tree_.file("torch/__init__.py", "raise ImportError('half a torch')\n").file("train.py");
  const Report report = check({kDebian, "train.py"}, "import", options());
  expect_agreement(report, tree_.root());
  EXPECT_EQ(report.exit_code, 65);
  EXPECT_NE(report.summary("torch.install"), "");
  EXPECT_THAT(report.findings, ElementsAre("skipped python.import"));
}

TEST_F(PythonReal, CodeThatRunsAtPythonsStartMakesADisagreement) {
  if (!fs::exists(kDebian)) GTEST_SKIP() << "there is no " << kDebian;
  const auto made =
      run_program({kDebian, "-m", "venv", "--without-pip", tree_.at("venv").string()});
  if (made.exit_code != 0) GTEST_SKIP() << "venv: " << made.out << made.err;
  tree_.file("hidden/torch/__init__.py");
  std::string site;
  for (const auto& entry : fs::directory_iterator(tree_.at("venv/lib")))
    if (fs::is_directory(entry.path() / "site-packages"))
      site = (entry.path() / "site-packages").string();
  ASSERT_NE(site, "");
  std::ofstream(site + "/x.pth") << "import sys; sys.prefix = '/elsewhere'\n";
  const Report report =
      check({tree_.at("venv/bin/python").string(), "-c", "1"}, "environment", options());
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_THAT(report.findings, Contains("warn probe.disagrees"));
  EXPECT_THAT(report.summary("probe.disagrees"), HasSubstr("sys.prefix"));
}

// The one that hangs has files of its own in it, and would go on to make more.
TEST_F(PythonReal, AStopRequestDuringTheProbeLeavesNoScratchDirectory) {
  if (!fs::exists(kDebian)) GTEST_SKIP() << "there is no " << kDebian;
  tree_.directory("tmp").file(
      "slow.py",
      "import os, tempfile, time\n"
      "os.makedirs(tempfile.gettempdir() + '/a/b')\n"
      "for i in range(100): open(f'{tempfile.gettempdir()}/a/{i}', 'w')\n"
      "while True: open(f'{tempfile.gettempdir()}/a/b/{time.time()}', 'w')\n");
  const std::string temporary = tree_.at("tmp").string();
  for (const Place place : {Place::kChild, Place::kPid1}) {
    RunningProgram running({installed_gpuinit(), "--set", "gpu.required=no", "--set",
                            "python.probe=import", "--set", "python.imports=[\"slow\"]", "--set",
                            "warmup.pages=off", "--", kDebian, "-c", "print('ran')"},
                           options({{"TMPDIR", temporary},
                                    {"PYTHONPATH", tree_.root()},
                                    {"ASAN_OPTIONS", "detect_leaks=0"}}),
                           place);
    const auto is_there = [&] {
      for (const auto& entry : fs::directory_iterator(temporary))
        if (fs::exists(entry.path() / "a/99")) return true;
      return false;
    };
    for (int i = 0; i < 2000 && !is_there(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(is_there()) << running.said();
    running.send(SIGTERM);
    EXPECT_EQ(running.finish(), 128 + SIGTERM) << running.said();
    EXPECT_TRUE(fs::is_empty(temporary));
  }
}

TEST_F(PythonReal, OnlyTheRunningImageIsAsked) {
  const Report report = check({"python3"}, "import", options(), "[]", {"--root", tree_.root()});
  EXPECT_EQ(text(report.probe(), {"unknown"}), "the image is not running here");
}

TEST_F(PythonReal, NobodyIsAskedUnlessThePolicySaysSo) {
  const Report report = check({kDebian, "-c", "1"}, "off", options());
  EXPECT_THAT(text(report.probe(), {"unknown"}), HasSubstr("python.probe"));
}

// --- pyenv's, where they are ---------------------------------------------------

std::string pyenv_python(const std::string& version) {
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/root") + "/.pyenv/versions/" + version +
         "/bin/python3";
}

class PyenvReal : public PythonReal, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Versions, PyenvReal,
                         testing::Values("3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1",
                                         "3.13.0"));

TEST_P(PyenvReal, Agrees) {
  const std::string python = pyenv_python(GetParam());
  if (!fs::exists(python)) GTEST_SKIP() << "there is no " << python;
  tree_.file("train.py");
  expect_agreement(check({python, "train.py"}, "environment", options()), tree_.root());
  expect_agreement(check({python, "-I", "-m", "train"}, "environment", options()), tree_.root());
}

TEST_F(PythonReal, ATorchWithCudaIsImportedAndAgrees) {
  const std::string python = pyenv_python("3.12.1");
  const std::string site =
      (inputs() / "image/torch2.8.0-cp312/usr/local/lib/python3.12/site-packages").string();
  if (!fs::exists(python)) GTEST_SKIP() << "there is no " << python;
  if (!fs::exists(site + "/torch")) GTEST_SKIP() << "tests/inputs/fetch.py has not run";
  tree_.file("train.py");
  const Report report =
      check({python, "-s", "train.py"}, "import", options({{"PYTHONPATH", site}}));
  expect_agreement(report, tree_.root());
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(text(report.probe(), {"torch", "version"}), "2.8.0+cu128");
  EXPECT_EQ(text(report.probe(), {"torch", "cuda"}), "12.8");
  EXPECT_EQ(text(report.probe(), {"torch", "cudnn"}), "91002");
  EXPECT_THAT(texts(report.probe(), {"torch", "arch_list"}), Contains("sm_90"));
  EXPECT_EQ(texts(report.probe(), {"torch", "arch_list"}),
            texts(report.image(), {"torch", "arch_list"}));
}

// --- Whole trees of other distributions, by chroot -------------------------------

// gpuinit comes in as a descriptor, and /dev and /proc in a mount namespace of its own:
// nothing is written to the tree. It has no libexec, so the interpreter itself is asked.
// Exit code 248: there may be no such namespace here.
Report check_in(const std::string& tree, const std::vector<std::string>& command,
                const std::string& mode) {
  RunOptions options = clean();
  const int binary = ::open(GPUINIT_BINARY, O_RDONLY | O_CLOEXEC);
  std::vector<std::string> argv{"gpuinit",         "--check", "--format=json",        "--set",
                                "gpu.required=no", "--set",   "python.probe=" + mode, "--"};
  argv.insert(argv.end(), command.begin(), command.end());
  options.timeout = std::chrono::minutes(4);
  options.in_child = [&] {
    std::vector<char*> words;
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("/dev", (tree + "/dev").c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0 ||
        ::mount("/proc", (tree + "/proc").c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
      ::_exit(248);
    if (::chroot(tree.c_str()) == 0 && ::chdir("/") == 0) ::fexecve(binary, words.data(), environ);
    ::_exit(249);
  };
  const Ran ran = run_program({"gpuinit"}, options);
  ::close(binary);
  Report report;
  report.exit_code = ran.exit_code;
  if (ran.exit_code == 248) return report;
  auto json = base::parse_json(ran.out);
  EXPECT_TRUE(json.ok()) << ran.exit_code << ran.out << ran.err;
  if (json) report.json = *json;
  if (json)
    for (const Json& finding : *report.json.find("findings")->as_array())
      if (const auto id = text(&finding, {"id"}); id == "python.import" || id == "probe.disagrees")
        report.findings.push_back(text(&finding, {"severity"}) + " " + id);
  return report;
}

// Why a program of this build cannot run there; empty: it can.
std::string no_chroot_because() {
#if defined(__SANITIZE_ADDRESS__)
  return "the trees have no libraries of the sanitizer";
#endif
  return ::geteuid() != 0 ? "chroot is root's" : "";
}

class TreesReal : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Versions, TreesReal, testing::Values("3.9", "3.11", "3.13", "3.14"));

TEST_P(TreesReal, Agrees) {
  const std::string tree = (inputs() / "python" / GetParam()).string();
  if (!fs::exists(tree)) GTEST_SKIP() << "tests/inputs/fetch.py has not run";
  if (const auto why = no_chroot_because(); !why.empty()) GTEST_SKIP() << why;
  const Report report =
      check_in(tree, {std::string("/usr/bin/python") + GetParam(), "-m", "x"}, "environment");
  if (report.exit_code == 248) GTEST_SKIP() << "no mount namespaces here";
  expect_agreement(report, "/", tree);
  EXPECT_EQ(text(report.probe(), {"way"}), "interpreter");
}

TEST(TreeReal, TheNewestTorchIsImportedAndAgrees) {
  const std::string tree = (inputs() / "image/torch2.15.0-cp314").string();
  if (!fs::exists(tree)) GTEST_SKIP() << "tests/inputs/fetch.py has not run";
  if (const auto why = no_chroot_because(); !why.empty()) GTEST_SKIP() << why;
  const Report report = check_in(tree, {"/usr/bin/python3.14", "-m", "x"}, "import");
  if (report.exit_code == 248) GTEST_SKIP() << "no mount namespaces here";
  expect_agreement(report, "/", tree);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_THAT(text(report.probe(), {"torch", "version"}), testing::StartsWith("2.15.0"));
  EXPECT_EQ(texts(report.probe(), {"torch", "arch_list"}),
            texts(report.image(), {"torch", "arch_list"}));
}

}  // namespace
}  // namespace gpuinit::test
