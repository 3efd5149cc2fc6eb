// The Python probe on this machine's /usr/bin/python3, both ways: what it hears, and what
// it survives.
#include "probe/python/python_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "support/run_program.h"
#include "support/tree.h"

namespace gpuinit::probe {
namespace {

using Outcome = ProbeRun::Outcome;
using Text = Fact<std::string>;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;
namespace fs = std::filesystem;

constexpr char kPython[] = "/usr/bin/python3";

// What Debian's Python says when asked without us, one value a line.
constexpr char kTruth[] =
    "import sys\n"
    "print('%d.%d.%d' % sys.version_info[:3], sys.executable, sys.prefix, sys.base_prefix,"
    " sys.exec_prefix, *sys.path, sep='\\n')\n";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto line : base::split_lines(base::trim(text))) lines.emplace_back(line);
  return lines;
}

class PythonProbeTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!fs::exists(kPython)) GTEST_SKIP() << "there is no " << kPython;
    options_.interpreter = kPython;
    options_.directory = tree_.root();
    options_.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
    options_.runs = "module";
    if (std::string_view(GetParam()) == "interpreter") {
      options_.no_libpython = "the test wants it so";
      return;
    }
    const auto version = lines_of(test::run_program({kPython, "-c", kTruth}).out).at(0);
    const auto minor = base::split(version, '.')[1];
    options_.release = "3" + std::string(minor);
    options_.version = version;
    options_.program_directories = {GPUINIT_PYTHON_PROBES};
    options_.libpython = "/usr/lib/x86_64-linux-gnu/libpython3." + std::string(minor) + ".so.1.0";
    if (!fs::exists(std::string(GPUINIT_PYTHON_PROBES) + "/python-probe-cpython-" +
                    options_.release))
      GTEST_SKIP() << "no Python probe was built for " << version;
    if (!fs::exists(options_.libpython)) GTEST_SKIP() << "there is no " << options_.libpython;
  }

  PythonAnswer ask() { return ask_python(options_); }

  // The probe of one module that is written here.
  PythonAnswer import(const std::string& name, const std::string& text) {
    tree_.file(name + ".py", text);
    return import({name});
  }

  PythonAnswer import(const std::vector<std::string>& names) {
    tree_.file("torch.py");  // instead of a real one, which takes seconds
    options_.import = true;
    options_.imports = names;
    return ask();
  }

  // Against `python3 OPTIONS… ARGUMENTS…`, which must run kTruth.
  void expect_truth(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{options_.interpreter};
    argv.insert(argv.end(), options_.options.begin(), options_.options.end());
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    test::RunOptions as_the_command;
    as_the_command.environment = options_.environment;
    as_the_command.only_this_environment = true;
    as_the_command.directory = options_.directory;
    const auto ran = test::run_program(argv, as_the_command);
    auto truth = lines_of(ran.out);
    ASSERT_GE(truth.size(), 6U) << ran.err;
    const PythonAnswer answer = ask();
    ASSERT_EQ(answer.run.outcome, Outcome::kAnswered) << answer.run.detail;
    EXPECT_EQ(answer.way, GetParam()) << answer.because;
    EXPECT_EQ(answer.version, Text(truth[0]));
    EXPECT_EQ(answer.executable, Text(truth[1]));
    EXPECT_EQ(answer.prefix, Text(truth[2]));
    EXPECT_EQ(answer.base_prefix, Text(truth[3]));
    EXPECT_EQ(answer.exec_prefix, Text(truth[4]));
    truth.erase(truth.begin(), truth.begin() + 5);
    EXPECT_EQ(answer.sys_path.value_or({}), truth);
  }

  test::Tree tree_;
  PythonProbeOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Both, PythonProbeTest, testing::Values("embedded", "interpreter"),
                         [](const auto& way) { return std::string(way.param); });

// --- It is the user's interpreter -------------------------------------------

TEST_P(PythonProbeTest, IsWhoTheInterpreterIsForAScript) {
  tree_.file("app/truth.py", kTruth).link("linked.py", "app/truth.py");
  for (const char* script : {"app/truth.py", "linked.py", "./app/../app/truth.py"}) {
    options_.runs = "script";
    options_.program = script;
    expect_truth({script});
  }
}

TEST_P(PythonProbeTest, IsWhoTheInterpreterIsForADirectoryWithAMain) {
  tree_.file("app/__main__.py", kTruth);
  options_.runs = "script";
  options_.program = "app";
  expect_truth({"app"});
  options_.options = {"-I"};
  expect_truth({"app"});
}

TEST_P(PythonProbeTest, IsWhoTheInterpreterIsForAModuleAndForAnythingElse) {
  tree_.file("truth.py", kTruth);
  expect_truth({"-m", "truth"});
  options_.runs = "command";
  // A first entry "" is an empty line, which lines_of would lose at the start only.
  expect_truth({"-c", kTruth});
}

TEST_P(PythonProbeTest, HasTheOptionsAndTheEnvironmentOfTheCommand) {
  tree_.file("app/truth.py", kTruth).directory("more").directory("user");
  options_.runs = "script";
  options_.program = "app/truth.py";
  options_.environment["PYTHONPATH"] = (tree_.at("more")).string();
  options_.environment["PYTHONUSERBASE"] = (tree_.at("user")).string();
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {}, {"-I"}, {"-E"}, {"-s"}, {"-S"}, {"-P"}, {"-I", "-S"}}) {
    options_.options = words;
    expect_truth({"app/truth.py"});
  }
  options_.options = {};
  options_.environment["PYTHONSAFEPATH"] = "1";
  expect_truth({"app/truth.py"});
}

TEST_P(PythonProbeTest, IsTheVenvThatTheCommandNames) {
  const auto made =
      test::run_program({kPython, "-m", "venv", "--without-pip", tree_.at("v").string()});
  if (made.exit_code != 0) GTEST_SKIP() << "venv: " << made.err << made.out;
  tree_.file("truth.py", kTruth);
  options_.interpreter = tree_.at("v/bin/python").string();
  expect_truth({"-m", "truth"});
  EXPECT_EQ(ask().prefix, Text(tree_.at("v").string()));
}

TEST_P(PythonProbeTest, LeavesNoFilesAndDoesNotSeeItsOwnPreload) {
  const PythonAnswer answer =
      import("a", "import os\n__version__ = os.environ.get('LD_PRELOAD', 'none')\n");
  ASSERT_THAT(answer.imports, SizeIs(2));
  EXPECT_EQ(answer.imports.back().version, Text("none"));
  EXPECT_FALSE(fs::exists(tree_.at("__pycache__")));
}

TEST_P(PythonProbeTest, SaysWhereTorchWouldComeFromWithoutImportingIt) {
  tree_.file("torch/__init__.py", "raise SystemExit('imported')\n");
  const PythonAnswer answer = ask();
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  EXPECT_EQ(answer.torch_origin, Text(tree_.at("torch/__init__.py").string()));
  EXPECT_EQ(answer.torch, Fact<PythonTorch>::unknown("not asked for"));
  EXPECT_THAT(answer.imports, SizeIs(0));
}

// --- Imports -----------------------------------------------------------------

TEST_P(PythonProbeTest, AModuleIsImportedWithItsVersionAndFile) {
  const PythonAnswer answer = import("some_module", "__version__ = '1.2'\nprint('on stdout')\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  EXPECT_EQ(answer.way, GetParam());
  const PythonImport& result = answer.imports.back();
  EXPECT_EQ(result.name, "some_module");
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.version, Text("1.2"));
  EXPECT_EQ(result.file, Text(tree_.at("some_module.py").string()));
}

// As FlashInfer and Numba do while they are imported. The user's files are still seen.
TEST_P(PythonProbeTest, WhatAModuleMakesInItsHomeIsMadeElsewhere) {
  test::Tree home;
  home.file(".config/m.toml", "x").file(".cache/models/weights", "w");
  options_.environment["HOME"] = home.root();
  const auto answer = import("writes",
                             "import os, pathlib, site\n"
                             "home = pathlib.Path.home()\n"
                             "(home / '.cache' / 'flashinfer').mkdir(parents=True)\n"
                             "(home / '.m').mkdir()\n"
                             "open(home / '.config' / 'm.toml').read()\n"
                             "open(home / '.cache' / 'models' / 'weights').read()\n"
                             "os.mkdir(os.environ['NUMBA_CACHE_DIR'] + '/n')\n"
                             "__version__ = site.getuserbase()\n");
  ASSERT_THAT(answer.imports, SizeIs(2));
  EXPECT_EQ(answer.imports[1].error, "") << answer.imports[1].message;
  EXPECT_EQ(answer.imports[1].version, Text(home.root() + "/.local"));
  EXPECT_FALSE(fs::exists(home.at(".cache/flashinfer")));
  EXPECT_FALSE(fs::exists(home.at(".m")));
}

TEST_P(PythonProbeTest, AModuleThatRaisesShowsItsExceptionAndTraceback) {
  const PythonAnswer answer =
      import("raises", "def inner():\n    raise ValueError('no \\x1b luck')\ninner()\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  const PythonImport& result = answer.imports.back();
  EXPECT_EQ(result.error, "ValueError");
  EXPECT_EQ(result.message, "no \\x1b luck");
  EXPECT_THAT(result.traceback, AllOf(StartsWith("Traceback (most recent call last):"),
                                      HasSubstr("line 3, in <module>"), HasSubstr("in inner"),
                                      testing::EndsWith("ValueError: no \\x1b luck")));
}

TEST_P(PythonProbeTest, EveryNameIsTriedWhateverBecameOfTheOthers) {
  tree_.file("a.py", "raise SystemExit(3)\n").file("b.py", "raise KeyboardInterrupt\n");
  tree_.file("pkg/__init__.py").file("pkg/c.py", "__version__ = 7\n");
  const PythonAnswer answer = import({"a", "b", "nope", "pkg.c"});
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  std::vector<std::string> errors;
  for (const auto& import : answer.imports)
    if (import.name != "torch") errors.push_back(import.name + " " + import.error);
  EXPECT_THAT(errors, ElementsAre("a SystemExit", "b KeyboardInterrupt", "nope ModuleNotFoundError",
                                  "pkg.c "));
  EXPECT_EQ(answer.imports.back().version, Text("7"));
}

TEST_P(PythonProbeTest, ATracebackIsBounded) {
  const PythonAnswer answer =
      import("deep", "def f(n):\n    g(n)\ndef g(n):\n    f(n + 1)\nf(0)\n");
  const PythonImport& result = answer.imports.back();
  EXPECT_EQ(result.error, "RecursionError");
  EXPECT_LE(result.traceback.size(), 9000U);
  EXPECT_LE(std::count(result.traceback.begin(), result.traceback.end(), '\n'), 30);
}

// A module of the user's that hides one of the standard library fails as it would without us.
TEST_P(PythonProbeTest, AShadowedStandardModuleFailsWhereTheUsersImportOfItWould) {
  tree_.file("json.py", "raise ImportError('this is not the json you want')\n");
  tree_.file("traceback.py", "raise ImportError('nor the traceback')\n");
  const PythonAnswer answer = import("uses_json", "import json\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  EXPECT_EQ(answer.imports.back().message, "this is not the json you want");
  EXPECT_THAT(answer.imports.back().traceback, HasSubstr("uses_json.py"));
}

// --- What it survives ----------------------------------------------------------

TEST_P(PythonProbeTest, ASegmentationFaultIsNamedWithItsImport) {
  const PythonAnswer answer = import("crashes", "import ctypes\nctypes.string_at(0)\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kCrashed);
  EXPECT_EQ(answer.run.detail, "ended by SIGSEGV in import crashes");
  EXPECT_EQ(answer.run.last_step, "import crashes");
  EXPECT_TRUE(answer.version.known());
}

TEST_P(PythonProbeTest, AnImportThatEndsTheProcessIsNamed) {
  const PythonAnswer answer = import("ends", "import os\nos._exit(3)\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kExited);
  EXPECT_EQ(answer.run.detail, "exit status 3 in import ends");
}

TEST_P(PythonProbeTest, AnImportThatHangsIsEndedAtTheDeadline) {
  options_.timeout = std::chrono::milliseconds(2500);
  const PythonAnswer answer = import(
      "hangs",
      "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kTimedOut);
  EXPECT_EQ(answer.run.last_step, "import hangs");
  EXPECT_LT(answer.run.milliseconds, 30'000);
  EXPECT_TRUE(answer.version.known());
}

TEST_P(PythonProbeTest, AFloodOfOutputIsNotHeard) {
  const PythonAnswer answer = import("floods", "for i in range(20000): print('x' * 1000)\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
}

TEST_P(PythonProbeTest, AFloodOnTheAnswersOwnPipeIsCutOff) {
  const PythonAnswer answer =
      import("floods",
             "import os\nwhile True: os.write(200, b'{\"step\": \"' + b'x' * 4000 + b'\"}\\n')\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kGarbled);
  EXPECT_THAT(answer.run.detail, HasSubstr("makes the answer longer than 1 MiB"));
}

TEST_P(PythonProbeTest, AModuleThatForksOnImportAnswersOnce) {
  const PythonAnswer answer = import("forks", "import os\nos.fork()\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  EXPECT_EQ(std::count_if(answer.imports.begin(), answer.imports.end(),
                          [](const auto& import) { return import.name == "forks"; }),
            1);
}

TEST_P(PythonProbeTest, WhatAModuleLeavesRunningIsEndedWithIt) {
  const PythonAnswer answer =
      import("leaves",
             "import os, sys, time\npid = os.fork()\nif pid == 0:\n    time.sleep(600)\n"
             "__version__ = pid\n");
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  const pid_t left = std::atoi(answer.imports.back().version.value_or("0").c_str());
  ASSERT_GT(left, 1);
  // Killed; whoever reaps orphans here may need a moment for it.
  for (int i = 0; i < 200 && fs::exists("/proc/" + std::to_string(left) + "/exe"); ++i)
    ::usleep(10'000);
  EXPECT_FALSE(fs::exists("/proc/" + std::to_string(left) + "/exe"));
}

TEST_P(PythonProbeTest, ALowNumberThatAModuleClosesIsNotTheAnswers) {
  EXPECT_EQ(import("closes", "import os\nos.closerange(0, 100)\n").run.outcome, Outcome::kAnswered);
}

TEST_P(PythonProbeTest, AThreadThatDoesNotEndDoesNotKeepIt) {
  EXPECT_EQ(import("threads",
                   "import threading, time\n"
                   "threading.Thread(target=time.sleep, args=(600,)).start()\n")
                .run.outcome,
            Outcome::kAnswered);
}

TEST_P(PythonProbeTest, NoChildIsLeft) {
  import("a", "");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// --- Ways ----------------------------------------------------------------------

class PythonProbeWays : public PythonProbeTest {};
INSTANTIATE_TEST_SUITE_P(Ways, PythonProbeWays, testing::Values("embedded"));

TEST_P(PythonProbeWays, AFailureOfTheEmbeddedOneIsConfirmedByTheInterpreterItself) {
  const PythonAnswer answer = import("raises", "raise ValueError\n");
  EXPECT_EQ(answer.way, "interpreter");
  EXPECT_THAT(answer.because, HasSubstr("import raises ended with ValueError"));
  EXPECT_EQ(answer.imports.back().error, "ValueError");
}

TEST_P(PythonProbeWays, ALibpythonOfAnotherVersionIsNotBelieved) {
  options_.version = "3.8.1";
  const PythonAnswer answer = ask();
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  EXPECT_EQ(answer.way, "interpreter");
  EXPECT_THAT(answer.because, HasSubstr("is of Python 3."));
}

TEST_P(PythonProbeWays, ALibpythonThatCannotBeLoadedIsSaid) {
  tree_.file("libpython.so", "not a library");
  options_.libpython = tree_.at("libpython.so").string();
  const PythonAnswer answer = ask();
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  EXPECT_TRUE(answer.version.known());
  // Where the distribution's own is on the loader's path, that one is found instead.
  EXPECT_TRUE(answer.way == "embedded" || !answer.because.empty());
}

TEST_P(PythonProbeWays, WithoutAProgramTheInterpreterItselfIsAsked) {
  options_.program_directories = {tree_.root()};
  const PythonAnswer answer = ask();
  EXPECT_EQ(answer.way, "interpreter");
  EXPECT_THAT(answer.because,
              AllOf(HasSubstr("there is no python-probe-cpython-3"), HasSubstr(tree_.root())));
}

TEST_P(PythonProbeWays, AProgramThatIsNoneIsNotTheEnd) {
  fs::copy_file("/bin/false", tree_.at("python-probe-cpython-" + options_.release));
  options_.program_directories = {tree_.root()};
  const PythonAnswer answer = ask();
  EXPECT_EQ(answer.run.outcome, Outcome::kAnswered);
  EXPECT_EQ(answer.way, "interpreter");
  EXPECT_THAT(
      answer.because,
      HasSubstr("to confirm what the embedded one said: exit status 1 before its first step"));
}

TEST(PythonProbe, AnInterpreterThatIsNotThereIsNotStarted) {
  PythonProbeOptions options;
  options.interpreter = "/nonexistent/python";
  options.no_libpython = "the test";
  const PythonAnswer answer = ask_python(options);
  EXPECT_EQ(answer.run.outcome, Outcome::kNotStarted);
  EXPECT_THAT(answer.run.detail, HasSubstr("No such file"));
  EXPECT_THAT(answer.version.reason(), HasSubstr("the Python probe gave no whole answer"));
}

TEST(PythonProbe, ADirectoryThatIsNotThereIsNotStarted) {
  PythonProbeOptions options;
  options.interpreter = kPython;
  options.no_libpython = "the test";
  options.directory = "/nonexistent";
  const PythonAnswer answer = ask_python(options);
  EXPECT_EQ(answer.run.outcome, Outcome::kNotStarted);
  EXPECT_THAT(answer.run.detail, HasSubstr("/nonexistent"));
}

}  // namespace
}  // namespace gpuinit::probe
