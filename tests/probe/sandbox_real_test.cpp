// The sandbox around the real thing: NVIDIA's libraries as far as they come without a GPU,
// and importing torch. A healthy run is never interrupted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "fake_driver.h"
#include "probe/child/child.h"
#include "support/inputs_cache.h"

namespace gpuinit::probe {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

std::string names(const std::vector<std::string>& calls) {
  std::string text;
  for (const auto& call : calls) text += call + "; ";
  return text;
}

class RealSandbox : public testing::TestWithParam<const char*> {};

TEST_P(RealSandbox, NeverInterruptsTheDriver) {
  const auto directory = test::inputs() / "driver" / GetParam() / "usr/lib/x86_64-linux-gnu";
  ASSERT_TRUE(std::filesystem::exists(directory / "libcuda.so.1")) << "run tests/inputs/fetch.py";
  CudaProbeOptions options;
  options.context = true;
  options.installed_path.clear();
  options.environment = {{"LD_LIBRARY_PATH", directory.string()}, {"HOME", "/root"}};
  const auto answer = CudaProbe::start(options).collect();
  ASSERT_EQ(answer.run.outcome, ProbeRun::Outcome::kAnswered) << answer.run.detail;
  EXPECT_THAT(answer.run.refused_calls, IsEmpty()) << names(answer.run.refused_calls);
  EXPECT_THAT(answer.run.unexpected_calls, IsEmpty()) << names(answer.run.unexpected_calls);
}

INSTANTIATE_TEST_SUITE_P(Debian, RealSandbox, testing::Values("450", "470", "525", "535", "550"),
                         [](const auto& release) { return std::string("R") + release.param; });

struct Imported {
  std::string said;
  ProbeRun run;
};

Imported import(const std::string& python, const std::string& path, const std::string& script) {
  ChildProgram program;
  program.name = python;
  program.installed_path = std::filesystem::canonical(python);
  program.arguments = {"-B", "-c", "import os\n" + script};
  program.environment = {"PATH=/usr/bin:/bin", "HOME=/root", "PYTHONPATH=" + path};
  program.sandbox.kind = Sandbox::Kind::kPython;
  Child child(program);
  Imported imported;
  if (child.start_error() != nullptr) return {child.start_error()->message, {}};
  const auto deadline = Clock::now() + 120s;
  while (child.wait(imported.said, deadline) == Child::Event::kOutput) {
  }
  child.kill_and_reap();
  child.describe(imported.run);
  return imported;
}

void expect_quiet(const Imported& imported, const std::string& said) {
  EXPECT_EQ(imported.said, said);
  EXPECT_THAT(imported.run.refused_calls, IsEmpty()) << names(imported.run.refused_calls);
  EXPECT_THAT(imported.run.unexpected_calls, IsEmpty()) << names(imported.run.unexpected_calls);
}

constexpr char kPython[] = "/usr/bin/python3";

TEST(RealSandbox, NeverInterruptsTheImportOfTorch) {
  if (!std::filesystem::exists("/usr/lib/python3/dist-packages/torch"))
    GTEST_SKIP() << "Debian's python3-torch is not installed";
  expect_quiet(import(kPython, "",
                      "import torch\n"
                      "os.write(3, torch.ones(2).sum().__str__().encode())"),
               "tensor(2.)");
}

TEST(RealSandbox, NeverInterruptsTheImportOfCudaTorch) {
  const std::string python = "/root/.pyenv/versions/3.12.1/bin/python3.12";
  const auto packages =
      test::inputs() / "image/torch2.8.0-cp312/usr/local/lib/python3.12/site-packages";
  if (!std::filesystem::exists(python) || !std::filesystem::exists(packages / "torch"))
    GTEST_SKIP() << "no Python 3.12.1 of pyenv, or no tree of torch 2.8.0";
  expect_quiet(import(python, packages,
                      "import torch\n"
                      "os.write(3, torch.version.cuda.encode())"),
               "12.8");
}

// What packages do at import: programs are run, temporary files are made.
TEST(RealSandbox, PythonCanRunProgramsAndHasAPlaceForTemporaryFiles) {
  if (!std::filesystem::exists(kPython)) GTEST_SKIP() << "no python3";
  expect_quiet(import(kPython, "",
                      "import subprocess, tempfile, ctypes.util, threading, socket\n"
                      "out = subprocess.run(['/bin/echo', 'hello'], capture_output=True).stdout\n"
                      "ctypes.util.find_library('c')\n"
                      "threading.Thread(target=print).start()\n"
                      "with tempfile.NamedTemporaryFile() as f: f.write(b'x')\n"
                      "with tempfile.TemporaryDirectory() as d: open(d + '/x', 'w')\n"
                      "os.write(3, out)"),
               "hello\n");
}

}  // namespace
}  // namespace gpuinit::probe
