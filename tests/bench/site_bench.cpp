// How long a site directory with 300 distributions takes, warm: their metadata.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "image/packages/distributions.h"
#include "support/tree.h"

namespace {

using namespace gpuinit;

const std::string kSite = "/venv/lib/python3.12/site-packages";
constexpr int kPackages = 300;

// As pip leaves them: a description of 8 KB behind the headers.
void add_metadata(test::Tree& tree, const std::string& name) {
  std::string text = "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.2.3\n";
  for (int i = 0; i < 30; ++i) text += "Classifier: Programming Language :: Python :: 3.1\n";
  for (int i = 0; i < 15; ++i) text += "Requires-Dist: name" + std::to_string(i) + ">=1.0\n";
  text += "Requires-Dist: numpy>=1.21\n\n" + std::string(8000, 'x');
  tree.file(kSite + "/" + name + "-1.2.3.dist-info/METADATA", text);
}

void distributions(benchmark::State& state) {
  test::Tree tree;
  for (int i = 0; i < kPackages; ++i) add_metadata(tree, "package" + std::to_string(i));
  auto fs = base::RootFs::open(tree.root());
  const std::vector<std::string> sys_path{kSite};
  for (auto _ : state) {
    const auto packages = image::read_distributions(*fs, sys_path);
    state.counters["packages"] = static_cast<double>(packages->size());
  }
}
BENCHMARK(distributions)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
