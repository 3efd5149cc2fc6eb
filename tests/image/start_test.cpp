// Starts that no test runs for real: what poetry 2.5, pdm 2.29 and pipenv 2026 gave to a program,
// as they were run by hand, and commands that are unclear by their nature.
#include "image/start/start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/elf_builder.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using base::Environment;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;
using Words = std::vector<std::string>;

class StartOf : public testing::Test {
 protected:
  StartOf() {
    const std::string elf = test::ElfBuilder().needs("libc.so.6").build();
    for (const char* name : {"usr/bin/x", "usr/bin/python3", "project/.venv/bin/x", "usr/bin/xargs",
                             "usr/bin/busybox", "usr/bin/uvx", "usr/bin/uv"})
      tree_.executable(name, elf);
    for (const char* name : {"poetry", "pdm", "pipenv", "hatch", "pipx"})
      tree_.executable(std::string("usr/bin/") + name, "#!/usr/bin/python3\n");
    tree_.file("project/.venv/pyvenv.cfg", "version = 3.12.1\n")
        .file("project/pyproject.toml", "[project]\nname = \"p\"\n")
        .file("project/Pipfile", "[packages]\n")
        .directory("project/sub");
  }

  Start follow(const Words& command, const Environment& more = {}) const {
    Environment environment{{"PATH", "/usr/bin:/bin"}, {"HOME", "/root"}, {"LANG", "C.UTF-8"}};
    for (const auto& [name, value] : more) environment[name] = value;
    const auto root = base::RootFs::open(tree_.root());
    return follow_command({*root, command, environment, "/project/sub", "", 0});
  }

  test::Tree tree_;
};

TEST_F(StartOf, AScriptSaysAtItsTopWhatItImports) {
  tree_.file("project/sub/app.py",
             "import os, vllm.entrypoints\nfrom fla import x\ndef f():\n    import late\n");
  EXPECT_THAT(follow({"python3", "app.py"}).program->script_imports,
              testing::ElementsAre("os", "vllm", "fla"));
  EXPECT_THAT(follow({"python3", "-c", "import vllm"}).program->script_imports, testing::IsEmpty())
      << "often no more than a look at its version";
  EXPECT_THAT(follow({"python3", "-m", "torch.distributed.run", "app.py"}).program->script_imports,
              testing::ElementsAre("os", "vllm", "fla"));
  EXPECT_THAT(follow({"python3", "-m", "vllm"}).program->script_imports, testing::IsEmpty());
  EXPECT_THAT(follow({"python3", "nowhere.py"}).program->script_imports, testing::IsEmpty());
}

TEST_F(StartOf, PoetryInAProjectWithItsVenv) {
  for (const Environment& more : {Environment{}, Environment{{"VIRTUAL_ENV", "/project/.venv"}},
                                  Environment{{"PYTHONHOME", "/nowhere"}}}) {
    const Start start = follow({"poetry", "run", "x", "a"}, more);
    ASSERT_TRUE(start.program.known()) << start.program.reason();
    EXPECT_EQ(start.program->path, "/project/.venv/bin/x");
    EXPECT_THAT(start.exec.environment,
                UnorderedElementsAre(Pair("HOME", "/root"), Pair("LANG", "C.UTF-8"),
                                     Pair("PATH", "/project/.venv/bin:/usr/bin:/bin"),
                                     Pair("VIRTUAL_ENV", "/project/.venv")));
  }
}

TEST_F(StartOf, PdmInAProjectWithItsVenv) {
  const Start start = follow({"pdm", "run", "x"});
  ASSERT_TRUE(start.program.known()) << start.program.reason();
  EXPECT_THAT(start.exec.environment,
              Contains(Pair("PATH", "/project/.venv/bin:/usr/bin:/bin:/project/.venv/bin")));
  EXPECT_THAT(start.exec.unknown_variables, Contains("PDM_*"));
}

TEST_F(StartOf, PipenvInAProjectWithItsVenv) {
  const Start start = follow({"pipenv", "run", "x"}, {{"PIPENV_ACTIVE", "0"}});
  ASSERT_TRUE(start.program.known()) << start.program.reason();
  EXPECT_THAT(start.exec.environment, Contains(Pair("PATH", "/project/.venv/bin:/usr/bin:/bin")));
  EXPECT_EQ(start.exec.environment.count("PIPENV_ACTIVE"), 0U);
  EXPECT_THAT(start.exec.unknown_variables, Contains("PIPENV_*"));
}

TEST_F(StartOf, ARunnersEnvironmentThatOnlyItKnowsIsUnclear) {
  EXPECT_FALSE(follow({"poetry", "run", "x"}, {{"VIRTUAL_ENV", "/other"}}).program.known());
  EXPECT_FALSE(follow({"hatch", "run", "x"}).program.known());
  tree_.file("project/.env", "A=1\n");
  EXPECT_FALSE(follow({"pipenv", "run", "x"}).program.known());
}

TEST_F(StartOf, WhatDecidesByRulesOfItsOwnIsUnclear) {
  for (const Words& command : std::vector<Words>{{"xargs", "x"},
                                                 {"busybox", "sh", "-c", "x"},
                                                 {"uvx", "x"},
                                                 {"uv", "tool", "run", "x"},
                                                 {"pipx", "run", "x"}})
    EXPECT_THAT(follow(command).program.reason(), HasSubstr("not followed past"))
        << testing::PrintToString(command);
}

}  // namespace
}  // namespace gpuinit::image
