// Shebangs, trampolines, env and Python's own options: how a command reaches Python.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/python/python_options.h"
#include "image/start/env_command.h"
#include "image/start/path_search.h"
#include "image/start/shebang.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using base::Environment;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

TEST(Shebang, HasAnInterpreterAndAtMostOneArgument) {
  const auto shebang = parse_shebang("#! \t/usr/bin/env  -S python3 -u \t\nprint()\n");
  ASSERT_TRUE(shebang);
  EXPECT_EQ(shebang->interpreter, "/usr/bin/env");
  EXPECT_EQ(shebang->argument, "-S python3 -u");
  EXPECT_EQ(parse_shebang("#!/bin/sh")->interpreter, "/bin/sh");
  EXPECT_EQ(parse_shebang("#!/bin/sh")->argument, "");
}

TEST(Shebang, IsNoneWhereTheKernelSeesNone) {
  EXPECT_FALSE(parse_shebang(""));
  EXPECT_FALSE(parse_shebang("#"));
  EXPECT_FALSE(parse_shebang(" #!/bin/sh\n"));
  EXPECT_FALSE(parse_shebang("#!\n"));
  EXPECT_FALSE(parse_shebang("#!  \t \nx"));
  // A path that does not end within the 256 bytes that the kernel reads.
  EXPECT_FALSE(parse_shebang("#!/" + std::string(300, 'a') + "\n"));
  EXPECT_TRUE(parse_shebang("#!/bin/x " + std::string(300, 'a') + "\n"));
}

TEST(ExecTrampoline, IsPipsShellScriptAroundALongPath) {
  const auto path = [](const std::string& line) {
    return parse_exec_trampoline("#!/bin/sh\n" + line + "\n' '''\nimport sys\n", "/opt/bin");
  };
  EXPECT_EQ(path("'''exec' /a/python \"$0\" \"$@\""), "/a/python");
  EXPECT_EQ(path("'''exec' \"/a b/python\" \"$0\" \"$@\""), "/a b/python");
  EXPECT_EQ(path("'''exec' '/a b/python' \"$0\" \"$@\""), "/a b/python");
  EXPECT_EQ(path("'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' \"$0\" \"$@\""),
            "/opt/bin/python");
  EXPECT_FALSE(path("exec /a/python \"$0\" \"$@\""));
  EXPECT_FALSE(path("'''exec' \"$PYTHON\" \"$0\" \"$@\""));
  EXPECT_FALSE(path("'''exec' \"$0\" \"$@\""));
  EXPECT_FALSE(parse_exec_trampoline("#!/bin/sh", "/opt/bin"));
}

PythonOptions options(const Words& words) { return parse_python_options(words); }

TEST(PythonOptions, EndAtTheProgram) {
  const auto script = options({"-u", "train.py", "-I", "-m"});
  EXPECT_EQ(script.runs, PythonOptions::Runs::kScript);
  EXPECT_EQ(script.program, "train.py");
  EXPECT_FALSE(script.isolated);
  const auto module = options({"-um", "torch.distributed.run", "-s"});
  EXPECT_EQ(module.runs, PythonOptions::Runs::kModule);
  EXPECT_EQ(module.program, "torch.distributed.run");
  EXPECT_FALSE(module.no_user_site);
  EXPECT_EQ(options({"-mpip"}).program, "pip");
  EXPECT_EQ(options({"-Ic", "import torch", "-S"}).program, "import torch");
  EXPECT_EQ(options({"--", "-x.py"}).program, "-x.py");
  EXPECT_EQ(options({"-m"}).runs, PythonOptions::Runs::kModule);
}

TEST(PythonOptions, WithValuesSwallowThem) {
  EXPECT_EQ(options({"-X", "dev", "-W", "ignore", "a.py"}).program, "a.py");
  EXPECT_EQ(options({"-Xdev", "-Wignore", "a.py"}).program, "a.py");
  EXPECT_EQ(options({"--check-hash-based-pycs", "always", "a.py"}).program, "a.py");
  EXPECT_FALSE(options({"-XS", "a.py"}).no_site);
}

TEST(PythonOptions, KnowWhenNothingRuns) {
  EXPECT_EQ(options({}).runs, PythonOptions::Runs::kInteractive);
  EXPECT_EQ(options({"-i"}).runs, PythonOptions::Runs::kInteractive);
  EXPECT_EQ(options({"-", "a.py"}).runs, PythonOptions::Runs::kInteractive);
  EXPECT_EQ(options({"--version"}).runs, PythonOptions::Runs::kNothing);
  EXPECT_EQ(options({"-VV"}).runs, PythonOptions::Runs::kNothing);
}

TEST(PythonOptions, IsolatedMeansThreeOthers) {
  const auto isolated = options({"-I", "a.py"});
  EXPECT_TRUE(isolated.isolated && isolated.ignore_environment && isolated.no_user_site &&
              isolated.safe_path);
  EXPECT_FALSE(isolated.no_site);
  const auto all = options({"-EsSP", "a.py"});
  EXPECT_TRUE(all.ignore_environment && all.no_user_site && all.no_site && all.safe_path);
  EXPECT_FALSE(all.isolated);
}

TEST(EnvCommand, SetsAndUnsetsAndRuns) {
  auto env = apply_env({"-u", "A", "B=2", "C=", "python3", "x=y"}, {{"A", "1"}, {"B", "1"}}, "/w");
  ASSERT_TRUE(env.ok()) << env.error().message;
  EXPECT_THAT(env->command, ElementsAre("python3", "x=y"));
  EXPECT_EQ(env->environment, (Environment{{"B", "2"}, {"C", ""}}));
  EXPECT_EQ(env->working_directory, "/w");
}

TEST(EnvCommand, KnowsItsOptions) {
  EXPECT_THAT(apply_env({"-i", "--", "a"}, {{"A", "1"}}, "/")->environment, IsEmpty());
  EXPECT_EQ(apply_env({"-C", "sub", "a"}, {}, "/w")->working_directory, "/w/sub");
  EXPECT_EQ(apply_env({"--chdir=/x", "--unset=A", "a"}, {{"A", ""}}, "/w")->working_directory,
            "/x");
  EXPECT_THAT(apply_env({"-S", "X=1 python3 -I", "a.py"}, {}, "/")->command,
              ElementsAre("python3", "-I", "a.py"));
  EXPECT_THAT(apply_env({"-Spython3 -u"}, {}, "/")->command, ElementsAre("python3", "-u"));
  EXPECT_THAT(apply_env({"--split-string=-i python3", "b"}, {{"A", "1"}}, "/")->environment,
              IsEmpty());
  EXPECT_THAT(apply_env({}, {}, "/")->command, IsEmpty());
  EXPECT_FALSE(apply_env({"--frobnicate", "a"}, {}, "/").ok());
  EXPECT_FALSE(apply_env({"-u"}, {}, "/").ok());
}

TEST(EnvCommand, GivesUpOnSplitsWithoutEnd) {
  EXPECT_FALSE(apply_env({"-S", "-S -S -S -S -S -S a"}, {}, "/").ok());
}

TEST(EnvString, IsSplitAsEnvSplitsIt) {
  const Environment environment{{"HOME", "/root"}};
  const auto words = [&](const std::string& text) {
    return split_env_string(text, environment).value_or({"refused"});
  };
  EXPECT_THAT(words("  a\tb  c "), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words("'a b' \"c d\" e\\_f"), ElementsAre("a b", "c d", "e", "f"));
  EXPECT_THAT(words("\"a\\_b\""), ElementsAre("a b"));
  EXPECT_THAT(words("''"), ElementsAre(""));
  EXPECT_THAT(words("x=${HOME}/y"), ElementsAre("x=/root/y"));
  EXPECT_THAT(words("a # b"), ElementsAre("a"));
  EXPECT_THAT(words("a\\c b"), ElementsAre("a"));
  EXPECT_THAT(words("a 'b"), ElementsAre("refused"));
  EXPECT_THAT(words("$HOME"), ElementsAre("refused"));
  EXPECT_THAT(words("a\\"), ElementsAre("refused"));
}

TEST(PathSearch, TakesTheFirstExecutableFile) {
  test::Tree tree;
  tree.directory("a/python")
      .file("b/python", "", 0644)
      .executable("c/python")
      .executable("d/python");
  const auto fs = base::RootFs::open(tree.root()).value();
  EXPECT_EQ(*find_program(fs, "python", "/a:/b:/c:/d", "/"), "/c/python");
  EXPECT_EQ(*find_program(fs, "python", "/a::/c", "/d"), "/d/python");
  EXPECT_EQ(*find_program(fs, "./python", "/a", "/c"), "/c/python");
  EXPECT_EQ(*find_program(fs, "../c/python", "", "/d"), "/c/python");
  EXPECT_THAT(find_program(fs, "python", "/a:/b", "/").error().message, HasSubstr("not on PATH"));
  EXPECT_EQ(find_program(fs, "/b/python", "", "/").error().code, EACCES);
  EXPECT_EQ(find_program(fs, "/a/python", "", "/").error().code, EACCES);
  EXPECT_EQ(find_program(fs, "/x/python", "", "/").error().code, ENOENT);
  EXPECT_FALSE(find_program(fs, "", "/c", "/").ok());
  EXPECT_EQ(search_path_of({}), "/bin:/usr/bin");
}

}  // namespace
}  // namespace gpuinit::image
