// The files under policies/ and the page docs/policy.md say what the code does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/text.h"
#include "gpuinit/check_ids.h"
#include "policy/catalogue.h"
#include "policy/layers.h"
#include "policy_fields.h"

namespace gpuinit::policy {
namespace {

using testing::HasSubstr;

std::string read(const std::string& path) {
  std::ifstream file(std::string(GPUINIT_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

LoadedPolicy shipped(const std::string& name) {
  Layers layers({});
  const auto done = layers.add_file(name, read("policies/" + name));
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return layers.loaded();
}

TEST(ShippedPolicies, DefaultNamesEveryKeyWithItsBuiltInValue) {
  const auto loaded = shipped("default.toml");
  EXPECT_EQ(test::fields(loaded.policy), test::fields(built_in_policy()));
  for (const auto& row : loaded.keys) EXPECT_NE(row.origin, "built in") << row.key << " is missing";
}

TEST(ShippedPolicies, SuperviseStaysWithinDockersTenSeconds) {
  const Policy policy = shipped("supervise.toml").policy;
  EXPECT_EQ(policy.launch.mode, LaunchMode::kSupervise);
  EXPECT_LE(policy.launch.grace, std::chrono::seconds(8));
}

TEST(ShippedPolicies, StrictNeedsTorchAndAGpuAndFailsOnEverything) {
  const auto loaded = shipped("strict.toml");
  EXPECT_TRUE(loaded.policy.torch.required);
  EXPECT_EQ(loaded.policy.gpu.required, GpuRequired::kYes);
  EXPECT_TRUE(loaded.policy.warmup.context);
  for (const auto& [id, level] : loaded.policy.checks) EXPECT_EQ(level, Level::kFail) << id;
  for (const auto& row : loaded.keys) {
    if (!row.key.starts_with("checks.")) continue;
    EXPECT_NE(row.origin, "built in") << row.key << " may be weaker in a layer below";
  }
}

TEST(ShippedPolicies, PermissiveStopsNothingAndLooksAtEverything) {
  for (const auto& [id, level] : shipped("permissive.toml").policy.checks)
    EXPECT_EQ(level, Level::kWarn) << id;
}

TEST(ShippedPolicies, BuildAsksForNothingThatADockerBuildLacks) {
  const Policy policy = shipped("build.toml").policy;
  EXPECT_TRUE(policy.torch.required);
  EXPECT_EQ(policy.gpu.required, GpuRequired::kNo);
  EXPECT_FALSE(policy.warmup.context);
  const std::set<std::string_view> of_the_image{
      "platform",        "python.interpreter", "libc.version",   "python.abi",
      "torch.install",   "loader.missing",     "loader.version", "loader.symbol",
      "loader.shadowed", "torch.cuda-build",   "extension.abi",  "python.packages",
      "python.import",   "probe.disagrees",    "expect.python",  "expect.torch",
      "expect.cuda"};
  for (const auto& [id, level] : policy.checks)
    EXPECT_EQ(level, of_the_image.contains(id) ? built_in_policy().checks.at(id) : Level::kOff)
        << id;
}

// The rows that docs/policy.md must have.
std::string documented_keys() {
  std::string rows;
  for (const auto& key : catalogue()) {
    if (key.name.starts_with("checks.")) continue;  // one row for all of them
    if (goes_without_saying(key)) continue;
    const std::string built_in = toml_text(get(key, built_in_policy()));
    rows += "| `" + key.name + "` | " + expectation(key) + " | `" + built_in + "` | " +
            std::string(key.meaning) + " |\n";
  }
  return rows;
}

TEST(PolicyPage, DescribesEveryKeyAsTheCatalogueDoes) {
  EXPECT_THAT(read("docs/policy.md"), HasSubstr(documented_keys()));
}

TEST(PolicyPage, NamesEveryCheck) {
  const auto page = read("docs/policy.md");
  for (const auto id : kCheckIds) EXPECT_THAT(page, HasSubstr("`" + std::string(id) + "`"));
}

// Every ```toml example of the page is a policy.
TEST(PolicyPage, ExamplesLoad) {
  const auto page = read("docs/policy.md");
  int examples = 0;
  std::size_t at = 0;
  while ((at = page.find("```toml\n", at)) != std::string::npos) {
    at += 8;
    const auto end = page.find("```", at);
    ASSERT_NE(end, std::string::npos);
    Layers layers({});
    const auto done = layers.add_file("example", page.substr(at, end - at));
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    at = end + 3;
    ++examples;
  }
  EXPECT_GE(examples, 2);
}

}  // namespace
}  // namespace gpuinit::policy
