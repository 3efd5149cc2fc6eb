// "8 × H100, driver 535 or newer, torch 2.8, Python 3.12": the example of docs/policy.md, held
// against saved nodes and images.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/text.h"
#include "scenarios/data.h"
#include "scenarios/judged.h"

namespace gpuinit::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kH100s = 8;

// The lines of the example, without the first: judged() has that.
std::vector<std::string> example() {
  std::ifstream file(GPUINIT_SOURCE "/docs/policy.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const auto words = page.find("\"8 × H100, driver 535 or newer");
  const auto begin = page.find("version = 1\n", words);
  const std::string text = page.substr(begin, page.find("```", begin) - begin);
  std::vector<std::string> lines;
  for (const auto line : base::split_lines(text)) lines.emplace_back(line);
  lines.erase(lines.begin());
  return lines;
}

base::Json gpu(const std::string& name, const std::string& capability, bool mig = false) {
  return base::JsonObject{{"name", name},
                          {"compute_capability", capability},
                          {"memory_bytes", std::int64_t{84942979072}},
                          {"memory_free_bytes", std::int64_t{84000000000}},
                          {"mig", mig},
                          {"compute_mode", "default"}};
}
const base::Json kH100 = gpu("NVIDIA H100 80GB HBM3", "9.0");
const base::Json kA100 = gpu("NVIDIA A100-SXM4-80GB", "8.0");

// The healthy image on a node with these GPUs.
World world(base::JsonArray gpus) {
  World world = read_scenario(GPUINIT_SCENARIOS "/80-another-gpu-than-asked-for.toml").healthy;
  world.policy = example();
  put(world.node, "devices", std::move(gpus));
  return world;
}
World eight(const base::Json& last) {
  base::JsonArray gpus(kH100s, kH100);
  gpus.back() = last;
  return world(std::move(gpus));
}
World with_driver(const std::string& release) {
  World there = eight(kH100);
  base::Json driver = at(there.node, "driver");
  put(driver, "kernel_version", release);
  put(there.node, "driver", driver);
  return there;
}
World with_image(const std::string& table, const std::string& key, const base::Json& value) {
  World there = eight(kH100);
  base::Json changed = at(there.image, table);
  put(changed, key, value);
  put(there.image, table, changed);
  return there;
}

TEST(GpuPolicy, EightH100Pass) {
  const Judged result = judged(eight(kH100));
  EXPECT_THAT(result.fail, IsEmpty()) << result.text_lines;
  EXPECT_EQ(result.exit_code, 0);
}

TEST(GpuPolicy, SevenNeedAnotherNode) {
  const Judged result = judged(world(base::JsonArray(kH100s - 1, kH100)));
  EXPECT_THAT(result.fail, ElementsAre("device.present"));
  EXPECT_EQ(result.exit_code, 69);
  EXPECT_THAT(result.text, testing::HasSubstr("7 × NVIDIA H100 80GB HBM3, compute capability 9.0"));
}

TEST(GpuPolicy, OtherGpusNeedAnotherKindOfNode) {
  const Judged all = judged(world(base::JsonArray(kH100s, kA100)));
  EXPECT_THAT(all.fail, ElementsAre("device.kind"));
  EXPECT_EQ(all.exit_code, 66);

  const Judged mixed = judged(eight(kA100));
  EXPECT_THAT(mixed.fail, ElementsAre("device.kind", "device.kind"));  // gpu.name and gpu.same
  EXPECT_EQ(mixed.exit_code, 66);

  const Judged cards = judged(eight(gpu("NVIDIA H100 PCIe", "9.0")));
  EXPECT_THAT(cards.fail, ElementsAre("device.kind"));
  EXPECT_EQ(cards.exit_code, 66);

  const base::Json slice = gpu("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "9.0", true);
  const Judged slices = judged(world(base::JsonArray(kH100s, slice)));
  EXPECT_THAT(slices.fail, ElementsAre("device.kind"));
  EXPECT_EQ(slices.exit_code, 66);
}

TEST(GpuPolicy, SevenOfAnotherKindAreNotJustTooFew) {
  EXPECT_EQ(judged(world(base::JsonArray(kH100s - 1, kA100))).exit_code, 66);
}

TEST(GpuPolicy, AnOlderDriverNeedsAnotherKindOfNode) {
  const Judged result = judged(with_driver("525.147.05"));
  EXPECT_THAT(result.fail, testing::Contains("expect.driver")) << result.text_lines;
  EXPECT_EQ(result.exit_code, 66);
}

TEST(GpuPolicy, AnotherTorchOrPythonNeedsAnotherImage) {
  const Judged torch = judged(with_image("torch", "version", "2.7.1+cu128"));
  EXPECT_THAT(torch.fail, ElementsAre("expect.torch")) << torch.text_lines;
  EXPECT_EQ(torch.exit_code, 65);

  World older = with_image("torch", "version", "2.8.0+cu128");
  older.policy.push_back("python = \"3.11\"");
  std::erase(older.policy, "python = \"3.12\"");
  const Judged python = judged(older);
  EXPECT_THAT(python.fail, ElementsAre("expect.python")) << python.text_lines;
  EXPECT_EQ(python.exit_code, 65);
}

}  // namespace
}  // namespace gpuinit::test
