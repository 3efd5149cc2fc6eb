// How long the parts of reading a torch installation take, warm.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "elf/elf_file.h"
#include "elf/fatbin.h"
#include "support/inputs_cache.h"

namespace {

using gpuinit::elf::ElfFile;
using gpuinit::test::inputs;

void walk_fatbins(benchmark::State& state, const std::string& path) {
  auto fs = gpuinit::base::RootFs::open("/");
  auto file = fs->open_file(path);
  if (!file) return state.SkipWithError(file.error().message.c_str());
  file->expect_random_access();
  std::uint64_t containers = 0;
  for (auto _ : state) {
    auto elf = ElfFile::open(*file);
    if (!elf) return state.SkipWithError(elf.error().message.c_str());
    gpuinit::DeviceCode code;
    auto read = gpuinit::elf::read_fatbins(*elf, code);
    if (!read) return state.SkipWithError(read.error().message.c_str());
    containers = *read;
  }
  state.counters["containers"] = static_cast<double>(containers);
  state.counters["MB"] = static_cast<double>(file->size()) / 1e6;
}

void list_python_symbols(benchmark::State& state, const std::string& path) {
  auto fs = gpuinit::base::RootFs::open("/");
  auto file = fs->open_file(path);
  if (!file) return state.SkipWithError(file.error().message.c_str());
  for (auto _ : state) {
    auto elf = ElfFile::open(*file);
    if (!elf) return state.SkipWithError(elf.error().message.c_str());
    auto symbols = elf->symbols_with_prefix({"Py"});
    if (!symbols) return state.SkipWithError(symbols.error().message.c_str());
    state.counters["symbols"] = static_cast<double>(symbols->size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::error_code problem;
  std::vector<std::filesystem::path> wheels;
  for (const auto& entry : std::filesystem::directory_iterator(inputs() / "torch", problem))
    wheels.push_back(entry.path());
  std::sort(wheels.begin(), wheels.end());
  for (const auto& wheel : wheels) {
    const std::string name = wheel.filename().string();
    const std::string cuda = wheel / "torch/lib/libtorch_cuda.so";
    const std::string python = wheel / "torch/lib/libtorch_python.so";
    benchmark::RegisterBenchmark(("fatbins/" + name).c_str(), [cuda](benchmark::State& state) {
      walk_fatbins(state, cuda);
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("python_symbols/" + name).c_str(), [python](
                                                                         benchmark::State& state) {
      list_python_symbols(state, python);
    })->Unit(benchmark::kMillisecond);
  }
  if (wheels.empty()) {
    std::fprintf(stderr, "no torch wheels under %s: run tests/inputs/fetch.py\n", inputs().c_str());
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
