// From a command to the facts of its interpreter, on images written as data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>

#include "image/python_image.h"
#include "image/read_image.h"
#include "support/in_another_process.h"

namespace gpuinit::image {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

class InterpreterTest : public testing::Test {
 protected:
  ImageFacts read(Words command, std::map<std::string, std::string> more = {},
                  const std::string& fallback = "") {
    std::map<std::string, std::string> environment{{"PATH", "/usr/local/bin:/usr/bin"},
                                                   {"HOME", "/root"}};
    for (const auto& [name, value] : more) environment[name] = value;
    auto fs = base::RootFs::open(tree_.root());
    return read_image({*fs, "/x", std::move(command), environment, "/srv", fallback});
  }
  Interpreter python(Words command, std::map<std::string, std::string> more = {},
                     const std::string& fallback = "") {
    const ImageFacts facts = read(std::move(command), std::move(more), fallback);
    EXPECT_TRUE(facts.interpreter.known()) << facts.interpreter.reason();
    return facts.interpreter.value_or({});
  }
  void add_python(const std::string& path = "usr/bin/python3") {
    tree_.executable(path, test::python_program()).directory("srv");
    test::add_stdlib(tree_, "usr");
  }

  test::Tree tree_;
};

TEST_F(InterpreterTest, IsRecognisedByItsCode) {
  add_python();
  const Interpreter read = python({"python3"});
  EXPECT_EQ(read.path, "/usr/bin/python3");
  EXPECT_TRUE(read.from_command);
  EXPECT_EQ(read.chosen_because, "`python3` found on PATH");
  EXPECT_EQ(read.version, Fact<std::string>("3.10.4"));
  EXPECT_EQ(read.soabi, Fact<std::string>("cpython-310-x86_64-linux-gnu"));
  EXPECT_THAT(read.soabi_source.value_or(""), HasSubstr("lib-dynload"));
  EXPECT_EQ(read.libc, Fact<std::string>("glibc"));
  EXPECT_EQ(read.machine, Fact<std::string>("x86_64"));
  EXPECT_TRUE(read.libpython.is_absent());
  EXPECT_EQ(read.prefix, Fact<std::string>("/usr"));
  EXPECT_EQ(read.environment, Fact<std::string>("system"));
  EXPECT_THAT(*read.sys_path,
              ElementsAre("/srv", "/usr/lib/python3.10", "/usr/lib/python3.10/lib-dynload"));
}

TEST_F(InterpreterTest, CalledPythonButSomethingElseIsUnknown) {
  tree_.executable("usr/bin/python3", test::ElfBuilder().interpreter(test::kGlibcLoader).build());
  const Interpreter read = python({"python3"});
  EXPECT_TRUE(read.version.is_unknown());
  EXPECT_TRUE(read.soabi.is_unknown());
  EXPECT_TRUE(read.sys_path.is_unknown());
  EXPECT_THAT(read.version.reason(), HasSubstr("not recognised as Python"));
}

TEST_F(InterpreterTest, TruncatedIsUnknown) {
  tree_.executable("usr/bin/python3", test::python_program().substr(0, 100));
  EXPECT_TRUE(python({"python3"}).version.is_unknown());
  EXPECT_TRUE(read({"python3"}).torch.is_unknown());
}

TEST_F(InterpreterTest, WithoutItsLibpythonIsKnownByTheNameOfIt) {
  tree_.executable("usr/bin/python3", test::ElfBuilder()
                                          .interpreter(test::kGlibcLoader)
                                          .needs("libpython3.13t.so.1.0")
                                          .wants("Py_BytesMain")
                                          .build());
  const Interpreter read = python({"python3"});
  EXPECT_EQ(read.version, Fact<std::string>("3.13"));
  EXPECT_EQ(read.libpython, Fact<std::string>("libpython3.13t.so.1.0"));
  EXPECT_TRUE(read.soabi.is_unknown());
}

TEST_F(InterpreterTest, OfMuslFindsItsLibpythonWithoutACache) {
  tree_
      .executable("usr/bin/python3", test::ElfBuilder()
                                         .interpreter(test::kMuslLoader)
                                         .needs("libpython3.10.so.1.0")
                                         .wants("Py_BytesMain")
                                         .build())
      .file("usr/local/lib/libpython3.10.so.1.0", test::python_program());
  const Interpreter read = python({"python3"});
  EXPECT_EQ(read.libc, Fact<std::string>("musl"));
  EXPECT_EQ(read.version, Fact<std::string>("3.10.4"));
}

TEST_F(InterpreterTest, OfPyPyHasNoAbiOfCPython) {
  tree_.executable(
      "usr/bin/pypy3",
      test::ElfBuilder().interpreter(test::kGlibcLoader).needs("libpypy3.10-c.so").build());
  const Interpreter read = python({"pypy3"});
  EXPECT_TRUE(read.soabi.is_unknown());
  EXPECT_TRUE(read.version.is_unknown());
}

TEST_F(InterpreterTest, WithTwoVersionsInItsStringsIsOnlyAsExactAsTheyAgree) {
  tree_.executable("usr/bin/python3", test::ElfBuilder()
                                          .interpreter(test::kGlibcLoader)
                                          .defines("Py_BytesMain")
                                          .section(".rodata", std::string("\0cpython-310\0"
                                                                          "3.10.4\0"
                                                                          "/x/3.10.5\0",
                                                                          30))
                                          .build());
  EXPECT_EQ(python({"python3"}).version, Fact<std::string>("3.10"));
}

TEST_F(InterpreterTest, SoabiOfTheSysconfigFileServesWithoutModules) {
  tree_.executable("usr/bin/python3", test::python_program("3.10.4", ".x.so"));
  tree_.file("usr/lib/python3.10/os.py")
      .file("usr/lib/python3.10/_sysconfigdata_d_linux_x86_64-linux-gnu.py",
            "build_time_vars = {'SOABI': 'cpython-310d-x86_64-linux-gnu'}")
      .file("usr/lib/python3.10/_sysconfigdata__linux_x86_64-linux-gnu.py",
            "build_time_vars = {'SOABI': 'cpython-310-x86_64-linux-gnu'}");
  const Interpreter read = python({"python3"});
  EXPECT_EQ(read.soabi, Fact<std::string>("cpython-310-x86_64-linux-gnu"));
  EXPECT_THAT(read.soabi_source.value_or(""),
              EndsWith("_sysconfigdata__linux_x86_64-linux-gnu.py"));
}

TEST_F(InterpreterTest, SoabiOfTheCodeServesWithoutFiles) {
  tree_.executable("usr/bin/python3", test::python_program());
  tree_.file("usr/lib/python3.10/os.py");
  const Interpreter read = python({"python3"});
  EXPECT_EQ(read.soabi, Fact<std::string>("cpython-310-x86_64-linux-gnu"));
  EXPECT_EQ(read.soabi_source, Fact<std::string>("/usr/bin/python3"));
}

TEST_F(InterpreterTest, ModulesOfAnotherReleaseDoNotCount) {
  tree_.executable("usr/bin/python3", test::python_program("3.10.4", ".x.so"));
  tree_.file("usr/lib/python3.10/os.py")
      .file("usr/lib/python3.10/lib-dynload/_json.cpython-39-x86_64-linux-gnu.so")
      .file("usr/lib/python3.10/lib-dynload/_json.cpython-310d-x86_64-linux-gnu.so")
      .file("usr/lib/python3.10/lib-dynload/_json.cpython-310t-x86_64-linux-gnu.so");
  EXPECT_TRUE(python({"python3"}).soabi.is_unknown());
}

TEST_F(InterpreterTest, OfAVenvHasThePrefixOfIt) {
  add_python();
  tree_.link("opt/venv/bin/python", "/usr/bin/python3")
      .file("opt/venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
      .directory("opt/venv/lib/python3.10/site-packages")
      .directory("usr/lib/python3.10/site-packages");
  const Interpreter read = python({"/opt/venv/bin/python", "-I", "a.py"});
  EXPECT_EQ(read.environment, Fact<std::string>("venv"));
  EXPECT_EQ(read.real_path, "/usr/bin/python3");
  EXPECT_EQ(read.prefix, Fact<std::string>("/opt/venv"));
  EXPECT_EQ(read.base_prefix, Fact<std::string>("/usr"));
  EXPECT_THAT(*read.sys_path, ElementsAre("/usr/lib/python3.10", "/usr/lib/python3.10/lib-dynload",
                                          "/opt/venv/lib/python3.10/site-packages"));
}

TEST_F(InterpreterTest, OfCondaIsSaidToBe) {
  tree_.executable("opt/conda/bin/python", test::python_program())
      .directory("opt/conda/conda-meta");
  test::add_stdlib(tree_, "opt/conda");
  EXPECT_EQ(python({"/opt/conda/bin/python"}).environment, Fact<std::string>("conda"));
}

TEST_F(InterpreterTest, OfFedoraHasTwoLibraryDirectories) {
  tree_.executable("usr/bin/python3", test::python_program());
  test::add_stdlib(tree_, "usr", "lib64", "if 'RPM_BUILD_ROOT' not in os.environ: pass\n");
  for (const char* directory : {"usr/lib64", "usr/lib", "usr/local/lib64", "usr/local/lib"})
    tree_.directory(std::string(directory) + "/python3.10/site-packages");
  EXPECT_THAT(
      *python({"python3", "-c", ""}).sys_path,
      ElementsAre("/usr/lib64/python3.10", "/usr/lib64/python3.10/lib-dynload",
                  "/usr/local/lib64/python3.10/site-packages",
                  "/usr/local/lib/python3.10/site-packages", "/usr/lib64/python3.10/site-packages",
                  "/usr/lib/python3.10/site-packages"));
}

TEST_F(InterpreterTest, OfDebianHasDistPackages) {
  tree_.executable("usr/bin/python3", test::python_program()).directory("srv");
  test::add_stdlib(tree_, "usr", "lib", "x = \"dist-packages\"\n");
  tree_.directory("usr/lib/python3/dist-packages")
      .directory("usr/local/lib/python3.10/dist-packages")
      .directory("usr/lib/python3.10/site-packages");
  EXPECT_THAT(
      *python({"python3", "-I"}).sys_path,
      ElementsAre("/usr/lib/python3.10", "/usr/lib/python3.10/lib-dynload",
                  "/usr/local/lib/python3.10/dist-packages", "/usr/lib/python3/dist-packages"));
}

TEST_F(InterpreterTest, NotesTheCodeThatMayChangeSysPath) {
  add_python();
  const std::string site = "usr/lib/python3.10/site-packages/";
  tree_.file(site + "a.pth", "import evil; evil.go()\n")
      .file(site + "distutils-precedence.pth", "import os; __import__('_distutils_hack')\n")
      .file(site + ".hidden.pth", "import hidden\n")
      .file(site + "__editable__.foo-1.0.pth",
            "import __editable___foo_1_0_finder; __editable___foo_1_0_finder.install()")
      .file(site + "__editable___foo_1_0_finder.py",
            "MAPPING = {'foo': '/src/foo'}\n  sys.path.append(PATH_PLACEHOLDER)\n")
      .file(site + "a1_coverage.pth", "import sys; exec('coverage.process_startup()')\n")
      .file("usr/lib/python3.10/sitecustomize.py", "import sys; sys.path.append('/x')\n");
  EXPECT_THAT(python({"python3"}).sys_path_notes,
              ElementsAre(HasSubstr("a.pth runs `import evil"), HasSubstr("sitecustomize.py")));
  EXPECT_THAT(python({"python3", "-S"}).sys_path_notes, IsEmpty());
  EXPECT_TRUE(read({"python3"}).torch.is_unknown()) << "evil may bring a torch";
  EXPECT_TRUE(read({"python3", "-S"}).torch.is_absent());
}

TEST_F(InterpreterTest, AFinderThatNamesTorchMayBringIt) {
  add_python();
  const std::string site = "usr/lib/python3.10/site-packages/";
  tree_.file(site + "__editable__.torch-2.9.pth", "import __editable___torch_finder\n")
      .file(site + "__editable___torch_finder.py", "MAPPING = {'torch': '/src/torch'}\n");
  EXPECT_TRUE(read({"python3"}).torch.is_unknown());
  tree_.file(site + "__editable___torch_finder.py", "MAPPING = {'torchx': '/src/torchx'}\n");
  EXPECT_TRUE(read({"python3"}).torch.is_absent());
  tree_.file(site + "__editable___torch_finder.py", "import sys; sys.path.insert(0, '/src')\n");
  EXPECT_TRUE(read({"python3"}).torch.is_unknown());
}

// NVIDIA's CUTLASS DSL, which vLLM and SGLang bring.
TEST_F(InterpreterTest, APackagePutsItsDirectoryInFront) {
  add_python();
  const std::string site = "usr/lib/python3.10/site-packages/";
  tree_
      .file(site + "nvidia_cutlass_dsl_packages.pth",
            "import sys, os, nvidia_cutlass_dsl; sys.path.insert(0, os.path.join("
            "nvidia_cutlass_dsl.__path__[0], 'dsl_packages'))")
      .directory(site + "nvidia_cutlass_dsl/dsl_packages");
  const auto interpreter = python({"python3"});
  EXPECT_THAT(interpreter.sys_path_notes, IsEmpty());
  EXPECT_THAT(
      *interpreter.sys_path,
      testing::Contains("/usr/lib/python3.10/site-packages/nvidia_cutlass_dsl/dsl_packages"));
}

TEST_F(InterpreterTest, OfAnUnclearCommandIsTheFallback) {
  add_python();
  tree_.executable("bin/sh", test::ElfBuilder().interpreter(test::kGlibcLoader).build())
      .executable("usr/bin/text", std::string("no program\0\n", 12))
      .executable("opt/python", test::python_program());
  struct Case {
    Words command;
    const char* why;
  };
  for (const Case& it : {Case{{"/bin/sh", "-c", "$(nosuch)"}, "sh -c"},
                         Case{{"text"}, "neither a program nor a script"},
                         Case{{"nowhere"}, "`nowhere` is not on PATH"},
                         Case{{"/srv"}, "is not a file"}, Case{{}, "there is no command"}}) {
    const Interpreter read = python(it.command);
    EXPECT_FALSE(read.from_command);
    EXPECT_EQ(read.path, "/usr/bin/python3");
    EXPECT_THAT(read.chosen_because, HasSubstr(it.why));
    EXPECT_THAT(read.chosen_because, HasSubstr("`python3` found on PATH"));
  }
  const Interpreter policy = python({"text"}, {}, "/opt/python");
  EXPECT_EQ(policy.path, "/opt/python");
  EXPECT_THAT(policy.chosen_because, HasSubstr("python.interpreter of the policy"));
  EXPECT_THAT(python({"text"}, {}, "/opt/gone").chosen_because,
              HasSubstr("python.interpreter: `/opt/gone` does not exist"));
  // What the script will see as its own directory is not known.
  EXPECT_THAT(*python({"text"}).sys_path, testing::Not(testing::Contains("/srv")));
}

TEST_F(InterpreterTest, ThatTheCommandNamesAndTheImageLacksIsAbsent) {
  add_python();
  tree_.executable("usr/bin/torchrun", "#!/opt/gone/bin/python3.12\n")
      .executable("usr/bin/tool", "#!/usr/bin/env python3.9\n")
      .executable("usr/bin/env", test::ElfBuilder().build());
  EXPECT_THAT(read({"python3.11", "a.py"}).interpreter.reason(),
              HasSubstr("`python3.11` is not on"));
  EXPECT_TRUE(read({"python3.11", "a.py"}).interpreter.is_absent());
  EXPECT_THAT(
      read({"torchrun"}).interpreter.reason(),
      HasSubstr("`/opt/gone/bin/python3.12` does not exist (shebang of /usr/bin/torchrun)"));
  EXPECT_THAT(read({"tool"}).interpreter.reason(), HasSubstr("`python3.9` is not on PATH"));
  EXPECT_TRUE(read({"tool"}).torch.is_unknown());
}

TEST_F(InterpreterTest, IsAbsentWhereThereIsNone) {
  tree_.directory("srv");
  EXPECT_TRUE(read({"server"}).interpreter.is_absent());
  EXPECT_THAT(read({"server"}).interpreter.reason(), HasSubstr("neither python3 nor python"));
}

TEST_F(InterpreterTest, IsNotSearchedForInCircles) {
  add_python();
  tree_.executable("usr/bin/a", "#!/usr/bin/b\n").executable("usr/bin/b", "#!/usr/bin/a\n");
  EXPECT_THAT(python({"a"}).chosen_because, HasSubstr("too many scripts"));
  tree_.executable("usr/bin/env", test::ElfBuilder().build())
      .executable("usr/bin/c", "#!/usr/bin/env -S env env env c\n");
  EXPECT_FALSE(python({"c"}).from_command);
}

TEST_F(InterpreterTest, OfAShebangIsNotSearchedOnPath) {
  add_python();
  tree_.executable("usr/bin/x", "#!python3\n");
  EXPECT_TRUE(read({"x"}).interpreter.is_absent());
  tree_.link("srv/python3", "/usr/bin/python3");
  EXPECT_EQ(python({"x"}).path, "/srv/python3");
}

TEST_F(InterpreterTest, ScriptsPutTheirOwnRealDirectoryFirst) {
  add_python();
  tree_.executable("app/run", "#!/usr/bin/python3\n").link("usr/bin/run", "/app/run");
  const Interpreter read = python({"run"});
  EXPECT_EQ(read.sys_path->front(), "/app");
  EXPECT_EQ(read.chosen_because, "shebang of /usr/bin/run");
  tree_.directory("app/package");
  EXPECT_EQ(python({"python3", "/app/package"}).sys_path->front(), "/app/package");
}

TEST_F(InterpreterTest, HostileFilesAreBornePatiently) {
  tree_.executable("usr/bin/python3", test::python_program()).directory("srv");
  test::add_stdlib(tree_, "usr");
  std::string pth;
  for (int line = 0; line < 30'000; ++line) pth += "p" + std::to_string(line) + "\n";
  tree_.file("usr/lib/python3.10/site-packages/a.pth", pth)
      .file("usr/lib/python3.10/site-packages/b.pth", std::string(100'000, '\0'))
      .link("usr/lib/python3.10/site-packages/c.pth", "c.pth")
      .file("usr/bin/pyvenv.cfg", std::string(200'000, '='));
  EXPECT_EQ(python({"python3"}).version, Fact<std::string>("3.10.4"));
  EXPECT_TRUE(python({"python3"}, {{"PYTHONHOME", std::string(5000, ':')}}).prefix.is_unknown());
}

// 600 times one megabyte: of paths, of code, of finders to be looked at, of entries for the front.
// A sanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__)
constexpr long kMuchMemory = 1200L * 1024;  // kB
#else
constexpr long kMuchMemory = 300L * 1024;
#endif

TEST_F(InterpreterTest, HostilePthFilesCostLittleTimeAndMemory) {
  const std::string site = "usr/lib/python3.10/site-packages/";
  tree_.executable("usr/bin/python3", test::python_program()).directory(site + "cute/python");
  test::add_stdlib(tree_, "usr");
  tree_.file(site + "_finder.py", std::string(1 << 20, '#'));
  const std::string lines[] = {
      "/usr/lib/nothing/of/this/name", "import evil; evil.go()",
      "import _finder; _finder.install()",
      "import sys, os, cute; sys.path.insert(0, os.path.join(cute.__path__[0], 'python'))",
      "/" + std::string(100'000, '/')};
  for (const std::string& line : lines) {
    std::string text;
    for (int i = 0; text.size() + line.size() + 12 < 1 << 20; ++i)
      text += line.starts_with('/') ? line + std::to_string(i) + "\n" : line + "\n";
    tree_.file(site + "p0.pth", text);
    for (int i = 1; i < 600; ++i) {
      std::filesystem::remove(tree_.at(site + "p" + std::to_string(i) + ".pth"));
      std::filesystem::create_hard_link(tree_.at(site + "p0.pth"),
                                        tree_.at(site + "p" + std::to_string(i) + ".pth"));
    }
    const std::string end = test::in_another_process([&]() -> std::string {
      const rlimit cpu{10, 10};
      ::setrlimit(RLIMIT_CPU, &cpu);
      const auto sys_path = python({"python3"}).sys_path;
      rusage usage{};
      ::getrusage(RUSAGE_SELF, &usage);
      return (sys_path ? "known, " : "") +
             std::string(usage.ru_maxrss < kMuchMemory ? "" : "too much memory");
    });
    EXPECT_THAT(end, testing::AnyOf("", "known, ")) << line.substr(0, 80);
  }
}

}  // namespace
}  // namespace gpuinit::image
