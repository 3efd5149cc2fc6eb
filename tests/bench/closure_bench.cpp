// How long the simulated loader takes for an interpreter and a torch, warm: the closure of
// everything torch opens, its versions, its undefined symbols.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "ldso/loader_closure.h"
#include "ldso/symbol_check.h"
#include "ldso/version_check.h"
#include "support/inputs_cache.h"

namespace {

using gpuinit::test::inputs;

using namespace gpuinit;
using ldso::LoaderClosure;

struct Installation {
  std::string name;
  std::string program;
  std::vector<std::string> libraries;
};

std::vector<Installation> installations() {
  std::vector<Installation> found;
  const auto add = [&](const std::string& name, const std::string& program,
                       const std::filesystem::path& package) {
    std::error_code problem;
    Installation one{name, program, {}};
    for (const auto& file : std::filesystem::directory_iterator(package, problem))
      if (file.path().filename().string().starts_with("_C.") && file.path().extension() == ".so")
        one.libraries.push_back(file.path());
    const auto cuda = package / "lib/libtorch_cuda.so";
    if (std::filesystem::exists(cuda)) one.libraries.push_back(cuda);
    if (!one.libraries.empty() && std::filesystem::exists(program)) found.push_back(one);
  };
  add("debian", "/usr/bin/python3", "/usr/lib/python3/dist-packages/torch");
  add("2.5.1", inputs() / "python/3.10/usr/local/bin/python3.10",
      inputs() / "torch/2.5.1-cp310/torch");
  add("2.8.0", inputs() / "python/3.12/usr/local/bin/python3.12",
      inputs() / "torch/2.8.0-cp312/torch");
  add("2.15.0", inputs() / "python/3.14/usr/bin/python3.14", inputs() / "torch/2.15.0-cp314/torch");
  return found;
}

Result<LoaderClosure> load(const base::RootFs& fs, const ldso::LibrarySearch& search,
                           const Installation& from) {
  auto closure = LoaderClosure::of_program(fs, search, {}, from.program);
  if (closure)
    for (const std::string& library : from.libraries) (void)closure->open(library);
  return closure;
}

void walk(benchmark::State& state, const Installation& from) {
  auto fs = base::RootFs::open("/");
  for (auto _ : state) {
    const ldso::LibrarySearch search(*fs, {});
    auto closure = load(*fs, search, from);
    if (!closure) return state.SkipWithError(closure.error().message.c_str());
    state.counters["objects"] = static_cast<double>(closure->objects().size());
    state.counters["missing"] = static_cast<double>(closure->missing().size());
  }
}

void versions(benchmark::State& state, const Installation& from) {
  auto fs = base::RootFs::open("/");
  const ldso::LibrarySearch search(*fs, {});
  auto closure = load(*fs, search, from);
  for (auto _ : state) {
    const auto check = ldso::check_versions(*closure);
    state.counters["missing"] = static_cast<double>(check.missing.size());
  }
}

// What every object asks of torch and Python.
void symbols(benchmark::State& state, const Installation& from) {
  auto fs = base::RootFs::open("/");
  const ldso::LibrarySearch search(*fs, {});
  auto closure = load(*fs, search, from);
  for (auto _ : state) {
    ldso::SymbolCheck check(*closure);
    std::size_t asked = 0;
    std::size_t undefined = 0;
    for (std::size_t object = 0; object < closure->objects().size(); ++object) {
      const auto found = check.undefined(object, [&](std::string_view name) {
        const bool wanted = name.starts_with("_ZN3c10") || name.starts_with("_ZNK3c10") ||
                            name.starts_with("_ZN2at") || name.starts_with("_ZN5torch") ||
                            name.starts_with("Py") || name.starts_with("_Py");
        asked += wanted ? 1 : 0;
        return wanted;
      });
      undefined += found ? found->size() : 0;
    }
    state.counters["asked"] = static_cast<double>(asked);
    state.counters["undefined"] = static_cast<double>(undefined);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto all = installations();
  if (all.empty()) {
    std::fprintf(stderr, "no torch under %s: run tests/inputs/fetch.py\n", inputs().c_str());
    return 1;
  }
  const std::pair<const char*, void (*)(benchmark::State&, const Installation&)> parts[] = {
      {"closure/", walk}, {"versions/", versions}, {"symbols/", symbols}};
  for (const auto& [part, run] : parts)
    for (const Installation& one : all)
      benchmark::RegisterBenchmark((part + one.name).c_str(), [run = run,
                                                               &one](benchmark::State& state) {
        run(state, one);
      })->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
