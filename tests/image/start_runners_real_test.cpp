// Runners really run and followed: uv with an environment of the project, of a variable or a
// directory above.
#include <gtest/gtest.h>

#include "image/conda_prefix.h"
#include "image/real_start.h"
#include "support/inputs.h"

namespace gpuinit::image::real {
namespace {

constexpr Came kUnclear = Came::kUnclear;
constexpr Came kNothing = Came::kToNothing;

class Runners : public RealStarts {
 protected:
  Runners() {
    const std::string uv = gpuinit::test::inputs() / "uv/bin";
    stage_.environment["PATH"] = "@/bin:" + uv + ":/usr/bin:/bin";
    stage_.environment["HOME"] = "@/home";
    stage_.environment["UV_OFFLINE"] = "1";
    stage_.environment["UV_PYTHON_DOWNLOADS"] = "never";
    stage_.stub("bin/x").stub("bin/vllm").stub("bin/reporter").stub("srv/prog");
    stage_.tree.link("tools/uv", uv + "/uv").directory("home").directory("srv/below");
    const std::string report =
        "import os, sys\nos.execv('" + stage_.tree.root() +
        "/bin/reporter', ['reporter', sys.executable] + sys.orig_argv[0:])\n";
    stage_.tree.file("srv/report.py", report).file("srv/below/report.py", report);
    stage_.tree.file("srv/inline.py", "# /// script\n# dependencies = []\n# ///\n" + report);
    project("srv");
    make_venv("srv/.venv");
    make_venv("other-venv");
    stage_.directory = "/srv";
    version_ = gpuinit::test::run_program(
                   {"/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"})
                   .out;
    version_.pop_back();
  }

  void project(const std::string& directory, const std::string& more = "") {
    stage_.tree.file(
        directory + "/pyproject.toml",
        "[project]\nname = \"p\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n" + more);
  }

  void make_venv(const std::string& directory) {
    const auto made = gpuinit::test::run_program(
        {"/usr/bin/python3", "-m", "venv", "--without-pip", stage_.tree.at(directory)});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    stage_.stub(directory + "/bin/vllm");
  }

  std::string version_;
};

TEST_F(Runners, UvInAProject) {
  expect({
      {{"uv", "run", "vllm", "serve", "m"}},
      {{"uv", "run", "x", "--help"}},
      {{"uv", "run", "--", "x", "-h"}},
      {{"uv", "run", "./prog"}},
      {{"uv", "run", "python", "report.py", "a", "-m", "b"}},
      {{"uv", "run", "python3", "-u", "report.py"}},
      {{"uv", "run", "report.py", "a b"}},
      {{"uv", "run", "below/report.py"}},
      {{"uv", "run", "-m", "report", "a"}},
      {{"uv", "run", "--module", "report"}},
      {{"uv", "run", "-s", "report.py"}},
      {{"uv", "run", "--no-sync", "--frozen", "vllm"}},
      {{"uv", "run", "--quiet", "--offline", "--no-dev", "vllm", "--no-sync"}},
      {{"uv", "--offline", "run", "vllm"}},
      {{"uv", "run", "--directory", "below", "../prog"}},
      {{"uv", "run", "--directory=below", "vllm"}},
      {{"uv", "--directory", "below", "run", "report.py"}},
      {{"uv", "run", "--project", ".", "vllm"}},
      {{"uv", "run", "--project=@/srv", "vllm"}},
      {{"uv", "run", "uv", "run", "vllm"}},
      {{"@/tools/uv", "run", "vllm"}},
      {{"tini", "--", "uv", "run", "--no-sync", "vllm"}},
      {{"uv", "run", "inline.py"}, kUnclear},
      {{"uv", "run", "python", "inline.py"}},
      {{"uv", "run", "--with", "torch", "vllm"}, kUnclear},
      {{"uv", "run", "--isolated", "vllm"}, kUnclear},
      {{"uv", "run", "--env-file", "nosuch", "vllm"}, kUnclear},
      {{"uv", "run", "--bad", "vllm"}, kUnclear},
      {{"uv", "run", "nosuch"}, kUnclear},
      {{"uv", "run", "nosuch.py"}, kUnclear},
      {{"uv", "run", "below"}, kUnclear},
      {{"uv", "run", "-"}, kUnclear},
      {{"uv", "run", "--directory", "nosuch", "vllm"}, kUnclear},
      {{"uv", "tool", "run", "vllm"}, kUnclear},
      {{"uv", "run", "--help"}, kNothing},
      {{"uv", "run", "-h", "vllm"}, kNothing},
      {{"uv", "run"}, kNothing},
      {{"uv", "pip", "list"}, kNothing},
      {{"uv", "--version"}, kNothing},
      {{"uv"}, kNothing},
  });
  stage_.directory = "/srv/below";
  expect({{{"uv", "run", "vllm"}}, {{"uv", "run", "report.py"}}, {{"uv", "run", "../report.py"}}});
}

TEST_F(Runners, UvOfAnotherEnvironment) {
  const Environment active{{"VIRTUAL_ENV", "@/other-venv"}};
  expect({
      {{"uv", "run", "vllm"}, Came::kToAProgram, active},
      {{"uv", "run", "--active", "vllm"}, Came::kToAProgram, active},
      {{"uv", "run", "--active", "vllm"}},
      {{"uv", "run", "--no-project", "vllm"}, Came::kToAProgram, active},
      {{"uv", "run", "--no-project", "vllm"}},
      {{"uv", "run", "vllm"},
       Came::kToAProgram,
       {{"UV_NO_PROJECT", "1"}, {"VIRTUAL_ENV", "@/other-venv"}}},
      {{"uv", "run", "vllm"}, Came::kToAProgram, {{"UV_PROJECT_ENVIRONMENT", "@/other-venv"}}},
      {{"uv", "run", "vllm"}, Came::kToAProgram, {{"UV_PROJECT_ENVIRONMENT", "../other-venv"}}},
      {{"uv", "run", "vllm"}, Came::kToAProgram, {{"VIRTUAL_ENV", "/nowhere"}}},
      {{"uv", "run", "vllm"},
       Came::kToAProgram,
       {{"PATH", "@/srv/.venv/bin:@/bin:" + std::string(gpuinit::test::inputs() / "uv/bin") +
                     ":/usr/bin:/bin"}}},
      {{"uv", "run", "vllm"}, kUnclear, {{"UV_ENV_FILE", "nosuch"}}},
      {{"uv", "run", "vllm"}, Came::kToAProgram, {{"UV_PYTHON", version_}}},
      {{"uv", "run", "--python", version_, "vllm"}},
      {{"uv", "run", "-p" + version_, "python", "report.py"}},
      {{"uv", "run", "-p", "python" + version_, "vllm"}},
      {{"uv", "run", "-p", "/usr/bin/python3", "vllm"}, kUnclear},
      {{"uv", "run", "--python", "2.7", "vllm"}, kUnclear},
      {{"uv", "run", "vllm"}, kUnclear, {{"UV_PYTHON", "2.7"}}},
  });
  stage_.tree.file("srv/.python-version", version_ + "\n");
  expect({{{"uv", "run", "vllm"}}});
  stage_.tree.file("srv/.python-version", "2.7\n");
  expect({{{"uv", "run", "vllm"}, kUnclear}});
  std::filesystem::remove(stage_.tree.at("srv/.python-version"));
  std::filesystem::remove_all(stage_.tree.at("srv/.venv"));
  expect({{{"uv", "run", "vllm"}, kUnclear}});  // it would make one
}

TEST_F(Runners, UvWithoutAProject) {
  stage_.tree.directory("free/below");
  stage_.directory = "/free/below";
  expect({
      {{"uv", "run", "x"}, kUnclear},
      {{"uv", "run", "vllm"}, Came::kToAProgram, {{"VIRTUAL_ENV", "@/other-venv"}}},
      {{"uv", "run", "python", "@/srv/report.py"},
       Came::kToAProgram,
       {{"VIRTUAL_ENV", "@/other-venv"}}},
      {{"uv", "run", "vllm"}, kUnclear, {{"VIRTUAL_ENV", "@/nowhere"}}},
  });
  make_venv("free/.venv");
  expect({{{"uv", "run", "vllm"}}, {{"uv", "run", "--project", "@/srv", "x"}}});
}

TEST_F(Runners, UvOfAPythonThatTheProjectRefuses) {
  stage_.tree.file("srv/pyproject.toml",
                   "[project]\nname = \"p\"\nversion = \"1\"\nrequires-python = \">=3.99\"\n");
  expect({{{"uv", "run", "vllm"}, kUnclear}});
  project("srv", "[tool.uv]\nmanaged = false\n");
  expect({{{"uv", "run", "vllm"}, kUnclear}});
  project("srv", "[tool.uv.workspace]\nmembers = [\"below\"]\n");
  project("srv/below");
  expect({{{"uv", "run", "--project", "below", "vllm"}, kUnclear}});
  stage_.tree.file("srv/pyproject.toml", "[tool.ruff]\nline-length = 100\n");
  std::filesystem::remove(stage_.tree.at("srv/below/pyproject.toml"));
  expect({{{"uv", "run", "vllm"}},
          {{"uv", "run", "vllm"}, kUnclear, {{"VIRTUAL_ENV", "@/other-venv"}}}});
}

TEST_F(Runners, CondasFunctionAndProgram) {
  make_conda(stage_, "conda", "serve");
  stage_.environment["PATH"] = "@/bin:/usr/bin:/bin";
  // Newer releases set them, older ones do not.
  stage_.also_unknown = {{"_CONDA_EXE", ""}, {"_CONDA_ROOT", ""}};
  const std::string activate =
      stage_.expanded(". @/conda/etc/profile.d/conda.sh && conda activate ");
  expect({
      {{"bash", "-c", activate + "serve && exec vllm serve m"}},
      {{"bash", "-c", activate + "&& python train.py"}},
      {{"bash", "-c", activate + "base && conda activate serve && python train.py"}},
      {{"bash", "-c", activate + stage_.expanded("@/conda/envs/serve") + " && python train.py"}},
      {{"bash", "-c", activate + "nosuch && python train.py"}, kUnclear},
      {{"@/conda/bin/conda", "run", "-n", "serve", "vllm", "serve", "m"}},
      {{"@/conda/condabin/conda", "run", "--no-capture-output", "-n", "serve", "python", "a b"}},
      {{"@/conda/bin/conda", "run", "-p", "@/conda/envs/serve", "--cwd", "below", "python"}},
      {{"@/conda/bin/conda", "run", "vllm"}},
      {{"@/conda/bin/conda", "run", "-n", "nosuch", "vllm"}, kUnclear},
      {{"@/conda/bin/conda", "info"}, kNothing},
  });
  stage_.tree.file("conda/envs/serve/etc/conda/activate.d/vars.sh", "export FROM_ACTIVATE=1\n");
  expect({
      {{"bash", "-c", activate + "serve && exec vllm serve m"}},
      {{"@/conda/bin/conda", "run", "-n", "serve", "vllm", "serve", "m"}},
  });
  stage_.tree.file("conda/etc/conda/activate.d/vars.sh", "export PATH=/usr/bin\n");
  expect({{{"@/conda/bin/conda", "run", "-n", "serve", "vllm"}, kUnclear}});
}

// Where this machine has one.
TEST_F(Runners, PyenvsShims) {
  const char* home = std::getenv("HOME");
  const std::string root = std::string(home == nullptr ? "/root" : home) + "/.pyenv";
  if (!std::filesystem::exists(root + "/shims/python3")) return;
  stage_.environment["PATH"] = root + "/shims:/usr/bin:/bin";
  expect({
      {{"python3", "report.py", "a"}},
      {{"nice", "python3", "below/report.py"}},
      {{"python3", "report.py"}, Came::kToAProgram, {{"PYENV_VERSION", "3.12.1"}}},
      {{"python3", "report.py"}, Came::kToAProgram, {{"PYENV_VERSION", "3.12"}}},
      {{"python3", "report.py"}, Came::kToAProgram, {{"PYENV_DIR", "/usr"}}},
      {{"python3", "report.py"}, kUnclear, {{"BASH_ENV", "/nowhere"}}},
      {{"python3", "report.py"}, Came::kToAProgram, {{"PYENV_VERSION", "3.99"}}},
  });
}

}  // namespace
}  // namespace gpuinit::image::real
