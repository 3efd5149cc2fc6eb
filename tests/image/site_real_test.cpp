// Real site directories: this machine's, which Python can list, and wheels of the cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/python_name.h"
#include "image/frameworks/compiled_for.h"
#include "image/packages/distributions.h"
#include "image/truth.h"

namespace gpuinit::image {
namespace {

base::RootFs root_fs() { return std::move(base::RootFs::open("/")).value(); }

// What importlib.metadata finds on this machine, apart from what lies in zip files.
TEST(RealDistributions, AreThoseThatPythonLists) {
  const auto ran = test::run({"/usr/bin/python3", "-c",
                              "import importlib.metadata as m, sys\n"
                              "print(*sys.path, sep='\\n')\n"
                              "print('-')\n"
                              "for d in m.distributions():\n"
                              "    if d.metadata and d.metadata['Name']:\n"
                              "        print(d.metadata['Name'], d.version)\n"},
                             {{"PATH", "/usr/bin"}, {"HOME", "/nonexistent"}}, "/usr");
  ASSERT_EQ(ran.exit_code, 0);
  std::vector<std::string> sys_path;
  std::multiset<std::string> said;
  bool names = false;
  for (auto line : base::split_lines(ran.out)) {
    const auto blank = line.rfind(' ');
    if (line == "-") names = true;
    else if (!names) sys_path.emplace_back(line.empty() ? "/usr" : line);
    else if (blank != std::string_view::npos)
      said.insert(base::normalized_name(line.substr(0, blank)) + std::string(line.substr(blank)));
  }
  const auto fs = root_fs();
  const auto packages = read_distributions(fs, sys_path);
  ASSERT_TRUE(packages.known());
  std::multiset<std::string> read;
  for (const Package& package : *packages) read.insert(package.name + " " + package.version);
  EXPECT_EQ(read, said);
  EXPECT_GT(read.size(), 10U);
}

TEST(RealNumpyAbi, OfWheelsAndOfDebian) {
  const std::string cache = test::inputs().native();
  const std::pair<std::string, std::string> expected[] = {
      {"/usr/lib/python3/dist-packages/torch/lib/libtorch_python.so", "1"},  // NumPy 1.24
      {cache + "/torch/2.5.1-cp310/torch/lib/libtorch_python.so", "2"},
      {cache + "/torch/2.8.0-cp312/torch/lib/libtorch_python.so", "2"},
      {cache + "/torch/2.15.0-cp314/torch/lib/libtorch_python.so", "2"},
      {cache + "/wheels/numexpr-2.8.8-cp312/numexpr/interpreter.cpython-312-x86_64-linux-gnu.so",
       "1"},
      {cache + "/wheels/torchvision-0.23.0-cp312/torchvision/_C.so", "absent"},
  };
  const auto fs = root_fs();
  for (const auto& [path, abi] : expected) {
    auto elf = elf::ElfFile::open(fs, path);
    ASSERT_TRUE(elf.ok()) << elf.error().message;
    const auto read = read_numpy_abi(*elf);
    EXPECT_EQ(read.is_absent() ? "absent" : read.value_or(read.reason()), abi) << path;
  }
}

}  // namespace
}  // namespace gpuinit::image
